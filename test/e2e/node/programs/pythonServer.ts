/** A server in Python that keeps a value with the commands given: PUT /value stores its body, GET /value shows it. */
export function pythonServer(port: number, store: string, show: string): string {
  return `import http.server, subprocess
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, command, body=b''):
        done = subprocess.run(command, input=body, shell=True, stdout=subprocess.PIPE)
        self.send_response(200 if done.returncode == 0 else 500)
        self.end_headers()
        self.wfile.write(done.stdout)
    def do_PUT(self):
        self.answer(${JSON.stringify(store)}, self.rfile.read(int(self.headers['Content-Length'])))
    def do_GET(self):
        self.answer(${JSON.stringify(show)})
http.server.ThreadingHTTPServer(('', ${port}), Handler).serve_forever()
`;
}
