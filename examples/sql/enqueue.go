// Jobs from Go, by lib/pq (Debian: golang-go, golang-github-lib-pq-dev):
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run enqueue.go postgres://USER@HOST/DATABASE
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"os"

	_ "github.com/lib/pq"
)

type confirmation struct {
	Order int64  `json:"order"`
	To    string `json:"to"`
}

// confirm puts the job into the caller's transaction.
func confirm(tx *sql.Tx, args confirmation) (job int64, err error) {
	text, err := json.Marshal(args)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(`select gristmill.insert('order.confirm', $1)`, string(text)).Scan(&job)
	return job, err
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	db, err := sql.Open("postgres", os.Args[1])
	must(err)
	_, err = db.Exec(`create table if not exists orders
		(id bigint generated always as identity primary key, customer text not null)`)
	must(err)

	// The order and its job, or neither: they are in one transaction.
	tx, err := db.Begin()
	must(err)
	var order int64
	must(tx.QueryRow(`insert into orders (customer) values ($1) returning id`, "ann").Scan(&order))
	job, err := confirm(tx, confirmation{order, "ann"})
	must(err)
	must(tx.Commit())
	fmt.Printf("order %d: job %d\n", order, job)

	tx, err = db.Begin()
	must(err)
	_, err = confirm(tx, confirmation{0, "nobody"})
	must(err)
	must(tx.Rollback())

	// At most one report waits or runs: the second call is told who has the key.
	for _, word := range []string{"report", "again"} {
		must(db.QueryRow(`select gristmill.insert('report', queue => 'reports', priority => 5, unique_key => $1)`,
			"daily").Scan(&job))
		fmt.Printf("%s: job %d\n", word, job)
	}
}
