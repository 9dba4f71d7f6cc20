// Keeps a value by HTTP: PUT /value stores its body in a file, GET /value shows it.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

const file = "/var/lib/keeper/value"

func main() {
	http.HandleFunc("/value", func(response http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodPut {
			body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
			if err == nil {
				err = os.WriteFile(file, body, 0o600)
			}
			if err != nil {
				log.Print(err)
				response.WriteHeader(http.StatusInternalServerError)
			}
			return
		}
		body, err := os.ReadFile(file)
		if err != nil {
			response.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = response.Write(body)
	})
	log.Fatal(http.ListenAndServe(":80", nil))
}
