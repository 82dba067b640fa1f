// Go: goroutines and channels. With a context every send and receive is a select with ctx.Done().
package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "gristmill/bench/common/gobench"
)

// The cases stand in common/pipeline.hpp; this table says the same.
type pipeline struct {
	name         string
	jobs         int
	capacity     int
	workers      int
	steps        int
	context      bool
	workersFirst bool
	spikeEvery   int
	spikeAt      int
	spikeSteps   int
}

func (p *pipeline) doJob(v int) int {
	todo := p.steps
	if p.spikeSteps != 0 && (v == p.spikeAt || (p.spikeEvery != 0 && v%p.spikeEvery == 0)) {
		todo = p.spikeSteps
	}
	if todo != 0 {
		Work(uint64(v), todo)
	}
	return v * 2
}

type outcome struct {
	seconds    float64
	count, sum int
}

func run(p *pipeline) outcome {
	jobs := make(chan int, p.capacity)
	results := make(chan int, p.capacity)
	var ready atomic.Int64
	var crew sync.WaitGroup
	var seen outcome
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	produce := func() {
		for i := 0; i < p.jobs; i++ {
			jobs <- i
		}
		close(jobs)
	}
	work := func() {
		ready.Add(1)
		for v := range jobs {
			results <- p.doJob(v)
		}
		crew.Done()
	}
	consume := func() {
		for v := range results {
			seen.sum += v
			seen.count++
		}
	}
	if p.context {
		produce, work, consume = withContext(ctx, p, jobs, results, &crew, &seen)
	}

	start := time.Now()
	crew.Add(p.workers)
	for w := 0; w < p.workers; w++ {
		go work()
	}
	if p.workersFirst {
		for ready.Load() < int64(p.workers) {
			time.Sleep(100 * time.Microsecond)
		}
		start = time.Now()
	}
	go produce()
	go func() { crew.Wait(); close(results) }()
	consume()
	seen.seconds = time.Since(start).Seconds()
	return seen
}

func withContext(ctx context.Context, p *pipeline, jobs, results chan int, crew *sync.WaitGroup, seen *outcome) (
	produce, work, consume func()) {
	produce = func() {
		defer close(jobs)
		for i := 0; i < p.jobs; i++ {
			select {
			case <-ctx.Done():
				return
			case jobs <- i:
			}
		}
	}
	work = func() {
		defer crew.Done()
		for {
			select {
			case <-ctx.Done():
				return
			case v, open := <-jobs:
				if !open {
					return
				}
				select {
				case <-ctx.Done():
					return
				case results <- p.doJob(v):
				}
			}
		}
	}
	consume = func() {
		for {
			select {
			case <-ctx.Done():
				return
			case v, open := <-results:
				if !open {
					return
				}
				seen.sum += v
				seen.count++
			}
		}
	}
	return
}

func runChecked(p *pipeline) outcome {
	seen := run(p)
	Check(seen.count == p.jobs, fmt.Sprint(p.name, ": ", seen.count, " of ", p.jobs, " results"))
	Check(seen.sum == p.jobs*(p.jobs-1), p.name+": the results' sum")
	return seen
}

func cases() []pipeline {
	const million = 1_000_000
	all := []pipeline{
		{name: "cap100", jobs: 4 * million, capacity: 100, workers: 3},
		{name: "cap0", jobs: 2 * million, capacity: 0, workers: 3},
		{name: "workers1000", jobs: 2 * million, capacity: 100, workers: 1000},
		{name: "1us", jobs: 600_000, capacity: 100, workers: 3, steps: 800},
		{name: "10us", jobs: 100_000, capacity: 100, workers: 3, steps: 8000},
		{name: "ctx", jobs: 3 * million, capacity: 100, workers: 3, context: true},
		{name: "long", jobs: 15 * million, capacity: 100, workers: 3, spikeAt: 1000},
		{name: "spiky", jobs: million, capacity: 100, workers: 3, spikeAt: -1, spikeEvery: 1000},
	}
	for workers := 1; workers <= 100_000; workers *= 10 {
		all = append(all, pipeline{name: fmt.Sprint("size_workers", workers), jobs: 2 * million, capacity: 100,
			workers: workers, workersFirst: true})
	}
	for capacity := 1; capacity <= million; capacity *= 10 {
		all = append(all, pipeline{name: fmt.Sprint("size_queue", capacity), jobs: 3 * million, capacity: capacity,
			workers: 3, workersFirst: true})
	}
	return all
}

func main() {
	wanted := OnlyCase()
	cpus := float64(Threads())
	for _, p := range cases() {
		if p.name != wanted {
			continue
		}
		p.jobs = Scaled(p.jobs)
		jobs := float64(p.jobs)
		metric := "W2/" + wanted
		switch {
		case strings.HasPrefix(wanted, "size_"):
			Report("size/"+wanted[5:], runChecked(&p).seconds/jobs*1e9, "ns/job")
		case p.steps != 0:
			alone := StepSeconds() * float64(p.steps)
			seen := runChecked(&p)
			Report(metric, jobs/seen.seconds, "jobs/s")
			Report(metric+"/efficiency", jobs/seen.seconds*alone/cpus, "of-ideal")
		case wanted == "long":
			step := StepSeconds()
			ideal := runChecked(&p).seconds
			if ideal < 0.5 {
				ideal = 0.5
			}
			p.spikeSteps = int(0.5 / step)
			seen := runChecked(&p)
			Report(metric, jobs/seen.seconds, "jobs/s")
			Report(metric+"/efficiency", ideal/seen.seconds, "of-ideal")
		case wanted == "spiky":
			p.spikeSteps = int(1e-3 / StepSeconds())
			seen := runChecked(&p)
			Report(metric, jobs/seen.seconds, "jobs/s")
			Report(metric+"/efficiency", jobs/float64(p.spikeEvery)*1e-3/cpus/seen.seconds, "of-ideal")
		default:
			Report(metric, jobs/runChecked(&p).seconds, "jobs/s")
		}
		return
	}
	NotAvailable("it has no such case")
}
