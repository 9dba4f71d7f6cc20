-- wrk's side of `npm run bench`: sends the reviews of a folder in turn, and prints what it measured as one line of JSON.
--   wrk ... -s reviews.lua URL -- FOLDER PATH MARK...
-- Each MARK in a review becomes a number of the same length, another one in each request.
-- Headers are an API server's, in its order. wrk.format would put them in the order of a Lua table, which is another one in
-- each process: then the first request of each round has headers of a shape that the server has no compiled code for.
local requests = {}
local next = 0

-- The text as pieces: a string as it is, a number where so many digits belong.
local function pieces(text, marks)
  local list = { text }
  for _, mark in ipairs(marks) do
    local parts = {}
    for _, piece in ipairs(list) do
      while type(piece) == "string" do
        local from, to = piece:find(mark, 1, true)
        if from == nil then break end
        parts[#parts + 1] = piece:sub(1, from - 1)
        parts[#parts + 1] = #mark
        piece = piece:sub(to + 1)
      end
      parts[#parts + 1] = piece
    end
    list = parts
  end
  return list
end

function init(args)
  local marks = {}
  for index = 3, #args do marks[#marks + 1] = args[index] end
  for index = 0, 63 do
    local file = assert(io.open(args[1] .. "/" .. index .. ".json", "rb"))
    local body = file:read("*a")
    file:close()
    local head = {
      "POST " .. args[2] .. " HTTP/1.1",
      "Host: " .. wrk.host .. ":" .. wrk.port,
      "User-Agent: kube-apiserver-admission",
      "Content-Length: " .. #body,
      "Accept: application/json, */*",
      "Content-Type: application/json",
      "Accept-Encoding: gzip",
    }
    requests[index] = pieces(table.concat(head, "\r\n") .. "\r\n\r\n" .. body, marks)
  end
end

function request()
  next = next + 1
  local parts = {}
  local digits = string.format("%09d", next)
  for index, piece in ipairs(requests[next % 64]) do
    parts[index] = type(piece) == "string" and piece or digits:sub(-piece)
  end
  return table.concat(parts)
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "failed": %d, "p50Ms": %f, "p99Ms": %f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
