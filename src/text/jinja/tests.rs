use serde_json::json;

use super::*;

fn render(text: &str, given: &[(&str, serde_json::Value)]) -> Result<String, Stopped> {
    let mut jinja = Jinja::new();
    jinja.names(text).and_then(|_| jinja.add("t", text)).map_err(Stopped::Wrong)?;
    let mut run = jinja.start();
    for (name, value) in given {
        run.give(name, value);
    }
    run.render("t", false)
}

fn wrong(text: &str, given: &[(&str, serde_json::Value)]) -> String {
    match render(text, given) {
        Err(Stopped::Wrong(error)) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn conditions_loops_and_filters_are_there() {
    let given = [
        ("rooms", json!([{"name": "a", "open": true}, {"name": "b", "open": false}])),
        ("who", json!("Ann")),
    ];
    for (text, told) in [
        ("{{ who }}\n", "Ann\n"),
        ("{% if who == 'Ann' %}yes{% else %}no{% endif %}", "yes"),
        ("{% for r in rooms if r.open %}{{ loop.index }}{{ r.name }}{% endfor %}", "1a"),
        ("{{ who|lower|replace('n', 'm') }} {{ rooms|length }}", "amm 2"),
        ("{{ rooms|map(attribute='name')|join(', ') }}", "a, b"),
        ("{{ nobody|default('x') }}{% if nobody is defined %}y{% endif %}", "x"),
        (
            "{{ rooms[0] }} {{ rooms|tojson }}",
            r#"{"name":"a","open":true} [{"name":"a","open":true},{"name":"b","open":false}]"#,
        ),
        ("{# no #}{% raw %}{{ who }}{% endraw %}{{ 'x' if false }}", "{{ who }}"),
        ("{% for n in range(3) %}{{ n + 1 }}{% endfor %}", "123"),
    ] {
        assert_eq!(render(text, &given).unwrap(), told, "{text}");
    }
}

#[test]
fn nothing_is_escaped() {
    assert_eq!(render("{{ a }}", &[("a", json!("<b> & \"c\""))]).unwrap(), "<b> & \"c\"");
}

#[test]
fn a_name_without_value_is_told_with_its_place() {
    for text in [
        "ü\nüb {{ nobody }}",
        "\n   {% if nobody %}{% endif %}",
        "\n   {% for a in nobody %}{% endfor %}",
        "\n   {{ nobody|upper }}",
        "\n   {{ nobody|tojson }}",
        "\n   {{ nobody.name }}",
        "\n   {{ 'a' ~ nobody }}",
    ] {
        let Err(Stopped::Missing(name, place)) = render(text, &[]) else {
            panic!("{text}: {:?}", render(text, &[]));
        };
        assert_eq!((name.as_str(), place.line), ("nobody", 2), "{text}");
        assert!(place.column > 3, "{text}: {place}");
    }
    // What is given and has no such part.
    let error = wrong("{{ a.b }}", &[("a", json!({"c": 1}))]);
    assert_eq!(error, "line 1, column 4: `a.b` is undefined");
}

#[test]
fn what_is_not_well_formed_is_told_with_its_place() {
    let error = wrong("x\n{% if a %}", &[]);
    assert!(error.starts_with("line 2, ") && error.contains("syntax error"), "{error}");
    let error = wrong("x\n {{ a|indent(9) }}", &[("a", json!("b"))]);
    assert!(error.starts_with("line 2, column ") && error.contains("indent"), "{error}");
    let error = wrong("{% include 'other' %}", &[]);
    assert_eq!(error, "line 1, column 1: there is no `include` here, only `if`, `for` and `raw`");
}

#[test]
fn steps_have_a_bound() {
    let error = wrong(
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        &[],
    );
    assert!(error.contains("more than 5000000 steps"), "{error}");
}

#[test]
fn output_has_a_bound() {
    let long = json!("x".repeat(1 << 20));
    let given = [("a", long.clone()), ("list", json!(vec![1; 1000]))];
    for text in [
        "{% for n in range(65) %}{{ a }}{% endfor %}",
        "{{ list|join(a) }}",
        "{{ a|replace('x', a) }}",
        &format!("{{% for n in range(100000) %}}{}{{% endfor %}}", "text ".repeat(200)),
    ] {
        let error = wrong(text, &given);
        assert!(error.contains("MiB") || error.contains("formatting failed"), "{error}");
    }
}

#[test]
fn an_error_does_not_repeat_a_long_text() {
    let error = wrong(&format!("{{% {} %}}", "é".repeat(5000)), &[]);
    assert!(error.chars().count() < 300, "{error}");
}

#[test]
fn what_goes_deep_is_refused_and_not_walked() {
    let many = 100_000;
    for text in [
        format!("{{{{ a{} }}}}", ".b".repeat(many)),
        format!("{{{{ a{} }}}}", "[0]".repeat(many)),
        format!("{{{{ a{} }}}}", "|upper".repeat(many)),
        format!("{{{{ a{} }}}}", " - a".repeat(many)),
        format!("{{{{ a{} }}}}", " or a".repeat(many)),
        format!("{{{{ a{} }}}}", " is defined".repeat(many)),
        format!("{{{{ {}a }}}}", "not ".repeat(many)),
        format!("{{{{ {}a }}}}", "-".repeat(many)),
        format!("{{{{ {}a }}}}", "[".repeat(many)),
        format!("{{{{ a{} }}}}", "()".repeat(many)),
        format!("{{{{ {}a }}}}", "a if a else ".repeat(many)),
        format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(many)),
        "{% if a %}".repeat(many),
        "{% for a in b %}".repeat(many),
    ] {
        wrong(&text, &[]);
    }
}
