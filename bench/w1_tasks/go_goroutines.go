// Go without a pool: a goroutine for each task; fib joins by a wait group.
package main

import (
	"sync"
	"time"

	. "gristmill/bench/common/gobench"
)

func spawn(f func()) { go f() }

func fib(n int) int {
	if n < 2 {
		return n
	}
	left := 0
	var joined sync.WaitGroup
	joined.Add(1)
	go func() { left = fib(n - 1); joined.Done() }()
	right := fib(n - 2)
	joined.Wait()
	return left + right
}

func main() {
	switch name := OnlyCase(); name {
	case "a":
		Tasks("a", 1, spawn)
	case "b":
		Tasks("b", 2, spawn)
	case "d":
		NestedTasks(spawn)
	case "c":
		fib(15)
		start := time.Now()
		value := fib(27)
		seconds := time.Since(start).Seconds()
		Check(value == 196418, "fib(27)")
		Report("W1/c", seconds/317810*1e9, "ns/spawn")
	default:
		NotAvailable("it has no such case")
	}
}
