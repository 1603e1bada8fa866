//! All cases by the clock. Ratios within one run mean something; times do not carry to another machine.

use criterion::{Criterion, criterion_group, criterion_main};
use witwire_benches::CASES;

fn beside_peers(criterion: &mut Criterion) {
    for entry in CASES {
        let case = (entry.make)();
        let mut group = criterion.benchmark_group(case.name);
        for side in &case.sides {
            group.bench_function(side.name, |bencher| bencher.iter(|| (side.run)()));
        }
        group.finish();
    }
}

criterion_group!(benches, beside_peers);
criterion_main!(benches);
