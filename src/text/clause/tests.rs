use proptest::prelude::*;

use super::super::Universal;
use super::*;

#[test]
fn the_first_clause_is_cut_early_and_later_ones_at_sentence_ends() {
    let text = "Well, I would say that it depends on the weather, really. Some days, if the sun \
                shines, it works. Others: not!";
    assert_eq!(
        cut(text),
        [
            "Well, ",
            "I would say that it depends on the weather, ",
            "really. ",
            "Some days, if the sun shines, it works. ",
            "Others: not!"
        ]
    );
}

#[test]
fn a_clause_goes_as_soon_as_its_white_space_is_there() {
    let mut cutter = ClauseCutter::default();
    cutter.push("Well,");
    assert_eq!(cutter.next(), None);
    cutter.push(" ");
    let clause = cutter.next().unwrap();
    assert_eq!((clause.text.as_str(), clause.range, clause.ends_sentence), ("Well, ", 0..6, false));
    cutter.push("yes.\n");
    assert!(cutter.next().unwrap().ends_sentence);
    cutter.push("End.");
    assert_eq!(cutter.next(), None);
    cutter.finish();
    assert_eq!(cutter.next().unwrap().range, 11..15);
    assert_eq!(cutter.next(), None);
}

#[test]
fn a_start_of_one_short_word_waits() {
    assert_eq!(cut("No, not at all. Ok."), ["No, not at all. ", "Ok."]);
    assert_eq!(cut("1, 2, and three, four."), ["1, 2, and three, ", "four."]);
}

#[test]
fn dots_and_marks_inside_words_and_numbers_cut_nothing() {
    for text in [
        "Dr. Smith of the U.S. army met Mr. J. Brown at 10:30 today.",
        "It costs 1,000.50 in e.g. Rome or i.e. Italy vs. Spain.",
        "See www.example.com/a?b=c for a well-known pre-release v1.2.3.",
        "1. First of all we go",
    ] {
        assert_eq!(cut(text), [text], "{text}");
    }
    assert_eq!(cut("Pi is 3.14. So what"), ["Pi is 3.14. ", "So what"]);
}

#[test]
fn quotes_brackets_and_markup_after_a_stop_belong_to_it() {
    assert_eq!(
        cut("He said \"go.\" (Now!) **Then:** we went?! Yes"),
        ["He said \"go.\" ", "(Now!) ", "**Then:** ", "we went?! ", "Yes"]
    );
}

#[test]
fn an_ellipsis_is_a_pause() {
    assert_eq!(cut("Well... I think so. Hm… maybe."), ["Well... ", "I think so. ", "Hm… maybe."]);
}

#[test]
fn dashes_pause_and_lines_end_sentences() {
    assert_eq!(
        cut("Perhaps - or not\n- one\n- two"),
        ["Perhaps - ", "or not\n", "- one\n", "- two"]
    );
    assert_eq!(cut("Perhaps—or not"), ["Perhaps—", "or not"]);
}

#[test]
fn chinese_and_japanese_need_no_space() {
    let text = "好的，我们走吧。「真的吗？」是的！";
    assert_eq!(
        cut_in(Arc::new(Universal), text),
        ["好的，", "我们走吧。", "「真的吗？」", "是的！"]
    );
    assert_eq!(cut(text).len(), 4);
}

#[test]
fn what_never_pauses_is_cut_at_a_word() {
    let clauses = cut(&"word ".repeat(100));
    assert!((60..=80).contains(&clauses[0].len()), "{clauses:?}");
    assert!(clauses.iter().all(|clause| clause.len() <= 250 && clause.ends_with("word ")));
    assert_eq!(
        cut(&"x".repeat(600)).iter().map(String::len).collect::<Vec<_>>(),
        [80, 250, 250, 20]
    );
    let long = format!(
        "This is the start of a story about two letters. {}, {}",
        "a ".repeat(60),
        "b ".repeat(90)
    );
    assert!(cut(&long).iter().any(|clause| clause.ends_with("a , ")), "{:?}", cut(&long));
}

#[test]
fn white_space_alone_is_one_clause() {
    assert_eq!(cut(" \n "), [" \n "]);
    assert!(cut("").is_empty());
}

proptest! {
    #[test]
    fn any_split_gives_the_same_clauses_and_all_of_the_text(
        text in prop_oneof![
            "([a-zA-Z]{1,8}|Dr|U\\.S|3\\.14|[.,!?…—。，]|\\.\\.\\.| |\n|\"|- |\\)){0,120}",
            any::<String>(),
        ],
        splits in prop::collection::vec(1usize..12, 1..8),
    ) {
        let whole = clauses(ClauseCutter::default(), [text.as_str()]);
        let chars: Vec<char> = text.chars().collect();
        let mut deltas = Vec::new();
        let (mut at, mut lens) = (0, splits.iter().cycle());
        while at < chars.len() {
            let to = (at + lens.next().unwrap()).min(chars.len());
            deltas.push(chars[at..to].iter().collect::<String>());
            at = to;
        }
        let split = clauses(ClauseCutter::default(), deltas.iter().map(String::as_str));
        prop_assert_eq!(&split, &whole);
        let mut at = 0;
        for clause in &whole {
            prop_assert_eq!(clause.range.start, at);
            prop_assert!(clause.range.end > at);
            prop_assert_eq!(&text[clause.range.clone()], &clause.text);
            prop_assert!(clause.text.chars().count() <= MAX + MAX_CLOSERS + 2);
            at = clause.range.end;
        }
        prop_assert_eq!(at, text.len());
    }
}

fn cut(text: &str) -> Vec<String> {
    cut_in(Arc::new(English), text)
}

fn cut_in(language: Arc<dyn Language>, text: &str) -> Vec<String> {
    clauses(ClauseCutter::new(language), [text]).into_iter().map(|clause| clause.text).collect()
}

fn clauses<'a>(mut cutter: ClauseCutter, deltas: impl IntoIterator<Item = &'a str>) -> Vec<Clause> {
    let mut clauses = Vec::new();
    for delta in deltas {
        cutter.push(delta);
        clauses.extend(std::iter::from_fn(|| cutter.next()));
    }
    cutter.finish();
    clauses.extend(std::iter::from_fn(|| cutter.next()));
    clauses
}
