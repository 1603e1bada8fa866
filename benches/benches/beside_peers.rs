//! All cases by the clock. Ratios within one run mean something; times do not carry to another machine.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use witwire_benches::CASES;

fn beside_peers(criterion: &mut Criterion) {
    for entry in CASES {
        let Some(case) = entry.make() else {
            eprintln!("skipped: {}, whose file of the corpus is missing", entry.name);
            continue;
        };
        let mut group = criterion.benchmark_group(entry.name);
        group.throughput(Throughput::Elements(case.times.into()));
        for side in &case.sides {
            group.bench_function(side.name, |bencher| bencher.iter(|| (side.run)()));
        }
        group.finish();
    }
}

criterion_group!(benches, beside_peers);
criterion_main!(benches);
