-- wrk's side of `npm run bench`: sends the reviews of a folder in turn, and prints what it measured as one line of JSON.
--   wrk ... -s reviews.lua URL -- FOLDER PATH
local requests = {}
local next = 0

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  for index = 0, 63 do
    local file = assert(io.open(args[1] .. "/" .. index .. ".json", "rb"))
    requests[index] = wrk.format("POST", args[2], headers, file:read("*a"))
    file:close()
  end
end

function request()
  next = (next + 1) % 64
  return requests[next]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "failed": %d, "p50Ms": %f, "p99Ms": %f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
