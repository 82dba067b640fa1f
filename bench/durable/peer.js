// What the peers of D1 and D2 from npm share: sizes, ten inserters at once, the clock of a drain, and what is said of them.
export const inserters = 10, crew = 10;
const url = process.env.BENCH_STORE ?? "memory:";
export const scheme = url.split(":")[0];
export { url };

export const scaled = (n) => (process.env.BENCH_QUICK ? n / 10 : n);
export const payload = (number) => ({ n: 1e9 + number, filler: "0123456789".repeat(7) });

export function notAvailable(why) {
    console.log("n/a " + why);
    process.exit(3);
}

const named = (which) => which.replace("/", `/${scheme}/`);
const report = (metric, value, unit) => console.log(`${metric} ${value} ${unit}`);

// Ten at a time, each waits for its own.
export async function insertSingly(which, n, insert) {
    const took = [];
    let next = 0;
    const one = async () => {
        while (next < n) {
            const start = performance.now();
            await insert(next++);
            took.push((performance.now() - start) * 1e3);
        }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: inserters }, one));
    report(named(which), n / (performance.now() - start) * 1e3, "jobs/s");
    took.sort((a, b) => a - b);
    report(named(which) + "/p50", took[Math.floor(took.length * 0.5)], "us");
    report(named(which) + "/p99", took[Math.floor(took.length * 0.99)], "us");
}

export async function insertMany(which, n, insert) {
    const all = Array.from({ length: n }, (_, i) => payload(i));
    const start = performance.now();
    await insert(all);
    report(named(which), n / (performance.now() - start) * 1e3, "jobs/s");
}

// `work(ran)` starts a crew that calls ran() for each job, and gives what ends it when all have run.
export async function drain(which, n, work) {
    let count = 0, all;
    const over = new Promise((resolve) => { all = resolve; });
    const start = performance.now();
    const stop = await work(() => { if (++count === n) all(); });
    await over;
    await stop();
    report(named(which), n / (performance.now() - start) * 1e3, "jobs/s");
}

export async function run(cases) {
    const which = process.argv[2];
    if (!cases[which]) notAvailable("it has no such case here");
    await cases[which](which);
    process.exit(0);
}
