//! One token through the clause cutter, in answers of 200 words.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use banter::text::ClauseCutter;

const SENTENCE: &str = "Well, the museum opens at nine in the morning, and Dr. Smith, who guides \
    visitors, starts at about 10.30 every day. ";

fn main() {
    let mut criterion = support::criterion();
    let words = SENTENCE.split_inclusive(' ').cycle().take(200);
    // A token is a word or a piece of one.
    let tokens: Vec<_> = words
        .flat_map(|word| {
            let (first, rest) = word.split_at(word.len().min(4));
            [first, rest]
        })
        .filter(|token| !token.is_empty())
        .collect();
    let mut next = tokens.iter().cycle();
    let (mut cutter, mut pushed, mut clauses) = (ClauseCutter::default(), 0, 0);
    criterion.bench_function("clause cutter, token", |bencher| {
        bencher.iter(|| {
            cutter.push(next.next().unwrap());
            pushed += 1;
            if pushed % tokens.len() == 0 {
                cutter.finish();
            }
            while cutter.next().is_some() {
                clauses += 1;
            }
            if pushed % tokens.len() == 0 {
                cutter = ClauseCutter::default();
            }
        });
    });
    assert!(clauses > pushed / tokens.len());
    criterion.final_summary();
}
