// Go: goroutines. receive: nothing else; context: in a select with ctx.Done(); select2: in a select of two channels.
package main

import (
	"context"
	"runtime"
	"time"

	. "gristmill/bench/common/gobench"
)

func main() {
	name := OnlyCase()
	channel, other := make(chan int, 1), make(chan int, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var started, finished Counter
	waits := map[string]func(){
		"receive": func() { started.Add(); <-channel; finished.Add() },
		"context": func() {
			started.Add()
			select {
			case <-channel:
			case <-ctx.Done():
			}
			finished.Add()
		},
		"select2": func() {
			started.Add()
			select {
			case <-channel:
			case <-other:
			}
			finished.Add()
		},
	}
	wait, known := waits[name]
	if !known {
		NotAvailable("it has no such case")
	}
	n := Scaled(100_000)
	scale := 1e5 / float64(n)
	runtime.GC()
	before := ResidentBytes()
	start := time.Now()
	for i := 0; i < n; i++ {
		go wait()
	}
	started.WaitFor(n)
	starting := time.Since(start).Seconds()
	time.Sleep(200 * time.Millisecond)
	each := (ResidentBytes() - before) / float64(n)
	start = time.Now()
	close(channel)
	finished.WaitFor(n)
	waking := time.Since(start).Seconds()
	Report("W4/"+name+"/bytes", each, "B/worker")
	Report("W4/"+name+"/start", starting*1e3*scale, "ms/100k")
	Report("W4/"+name+"/wake", waking*1e3*scale, "ms/100k")
}
