// Notes over HTTP: create, read, update and delete rows of the namespace's database, with the routes of net/http.
package main

import (
	"encoding/json"
	"net/http"

	orama "orama/sdk-go"
	"orama/sdk-go/oramahttp"
)

type note struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", list)
	mux.HandleFunc("POST /notes", create)
	mux.HandleFunc("GET /notes/{id}", read)
	mux.HandleFunc("PUT /notes/{id}", update)
	mux.HandleFunc("DELETE /notes/{id}", remove)
	oramahttp.Serve(withTable(mux))
}

// withTable makes the table before the first request; later ones find it there.
func withTable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := orama.Execute("CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, text TEXT NOT NULL)")
		if err != nil {
			fail(w, http.StatusServiceUnavailable, "the database does not answer")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func list(w http.ResponseWriter, _ *http.Request) {
	notes := []note{}
	if err := orama.Query(&notes, "SELECT id, text FROM notes ORDER BY id LIMIT 100"); err != nil {
		fail(w, http.StatusInternalServerError, "the notes could not be read")
		return
	}
	send(w, http.StatusOK, map[string]any{"notes": notes, "count": len(notes)})
}

func create(w http.ResponseWriter, r *http.Request) {
	text, ok := textOf(w, r)
	if !ok {
		return
	}
	// An invocation whose worker died is run again under the same id: its row is there already.
	one := note{ID: orama.RequestID(), Text: text}
	if _, err := orama.Execute("INSERT OR IGNORE INTO notes (id, text) VALUES (?, ?)", one.ID, text); err != nil {
		fail(w, http.StatusInternalServerError, "the note could not be written")
		return
	}
	w.Header().Set("Location", "/notes/"+one.ID)
	send(w, http.StatusCreated, one)
}

func read(w http.ResponseWriter, r *http.Request) {
	one := []note{}
	if err := orama.Query(&one, "SELECT id, text FROM notes WHERE id = ?", r.PathValue("id")); err != nil {
		fail(w, http.StatusInternalServerError, "the note could not be read")
		return
	}
	if len(one) == 0 {
		fail(w, http.StatusNotFound, "there is no such note")
		return
	}
	send(w, http.StatusOK, one[0])
}

func update(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	text, ok := textOf(w, r)
	if !ok {
		return
	}
	if changed(w, "UPDATE notes SET text = ? WHERE id = ?", text, id) {
		send(w, http.StatusOK, note{ID: id, Text: text})
	}
}

func remove(w http.ResponseWriter, r *http.Request) {
	if changed(w, "DELETE FROM notes WHERE id = ?", r.PathValue("id")) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// changed runs a statement that changes one note, and answers when there is none.
func changed(w http.ResponseWriter, sql string, args ...any) bool {
	affected, err := orama.Execute(sql, args...)
	if err != nil {
		fail(w, http.StatusInternalServerError, "the note could not be written")
		return false
	}
	if affected == 0 {
		fail(w, http.StatusNotFound, "there is no such note")
	}
	return affected > 0
}

func textOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	var given note
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil || given.Text == "" {
		fail(w, http.StatusUnprocessableEntity, `the body must read {"text": "…"}`)
		return "", false
	}
	return given.Text, true
}

func send(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func fail(w http.ResponseWriter, status int, sentence string) {
	send(w, status, map[string]string{"error": sentence})
}
