// Go: a goroutine for each job, against ten that range over a channel of 100.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	. "gristmill/bench/common/gobench"
)

// The job of common/pool_cases.hpp.
func bufferJob(seed int) int64 {
	var buffer [512]uint64
	x, sum := uint64(seed), uint64(0)
	for round := 0; round < 16; round++ {
		for i := range buffer {
			x = x*6364136223846793005 + 1
			buffer[i] = x
		}
		for _, word := range buffer {
			sum += word
		}
	}
	return int64(sum & 0xff)
}

func spawnAll(jobs int, total *atomic.Int64) {
	var running sync.WaitGroup
	running.Add(jobs)
	for i := 0; i < jobs; i++ {
		go func(i int) {
			total.Add(bufferJob(i))
			running.Done()
		}(i)
	}
	running.Wait()
}

func poolAll(jobs int, total *atomic.Int64) {
	pool := NewChannelPool(10, 100)
	for i := 0; i < jobs; i++ {
		i := i
		pool.Submit(func() { total.Add(bufferJob(i)) })
	}
	pool.Close()
}

func main() {
	name := OnlyCase()
	runs := map[string]func(int, *atomic.Int64){"spawn": spawnAll, "pool": poolAll}
	run, known := runs[name]
	if !known {
		NotAvailable("it has no such case")
	}
	jobs := Scaled(100_000)
	expected := int64(0)
	for i := 0; i < jobs; i++ {
		expected += bufferJob(i)
	}
	runtime.GC()
	before := ResidentBytes()
	var total atomic.Int64
	start := time.Now()
	run(jobs, &total)
	seconds := time.Since(start).Seconds()
	Check(total.Load() == expected, "the sum of the jobs")
	Report("S18/"+name+"/time", seconds*1e3*1e5/float64(jobs), "ms/100k")
	Report("S18/"+name+"/peak", (PeakResidentBytes()-before)/1e6, "MB")
}
