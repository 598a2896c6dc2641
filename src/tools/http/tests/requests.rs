//! What is asked.

use super::*;

/// The request for these arguments: its address from the path on.
fn path(url: &str, arguments: &Value) -> Result<String, String> {
    let plan = Plan::new(HttpCall::get(url), &json!({})).unwrap();
    match plan.request(arguments) {
        Ok(planned) => {
            let url = planned.url;
            Ok(url.as_str().strip_prefix("https://api.test").unwrap().to_owned())
        }
        Err(problem) => Err(problem.of("ask").to_string()),
    }
}

#[test]
fn values_are_values_wherever_they_stand() {
    for (value, encoded) in [
        ("Ulm", "Ulm"),
        ("../admin", "..%2Fadmin"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("a&b", "a%26b"),
        ("%2e%2e", "%252e%252e"),
        ("%2F", "%252F"),
        ("@evil.test", "%40evil.test"),
        ("\\..\\", "%5C..%5C"),
        ("a b\r\nHost: x", "a%20b%0D%0AHost%3A%20x"),
        ("München", "M%C3%BCnchen"),
        ("...", "..."),
    ] {
        let arguments = json!({ "v": value });
        let expected = Ok(format!("/{encoded}/x"));
        assert_eq!(path("https://api.test/{v}/x", &arguments), expected);
        let expected = Ok(format!("/x?a=1&v={encoded}"));
        assert_eq!(path("https://api.test/x?a=1&v={v}", &arguments), expected);
        let expected = Ok(format!("/x?v={encoded}"));
        assert_eq!(path("https://api.test/x", &arguments), expected, "by default");
    }
}

#[test]
fn a_path_is_not_led_upwards() {
    for (url, value) in [
        ("https://api.test/a/{v}", ".."),
        ("https://api.test/a/{v}/b", "."),
        ("https://api.test/a/{v}/b", ""),
        ("https://api.test/a/.{v}/b", "."),
        ("https://api.test/a/%2e{v}", "."),
    ] {
        let told = path(url, &json!({ "v": value })).unwrap_err();
        assert!(told.ends_with("`/v` must name something"), "{told}");
    }
    let told = path("https://api.test/{v}", &json!({})).unwrap_err();
    assert_eq!(told, "the arguments of `ask` do not fit: `/v` must be given");
    let told = path("https://api.test/{v}", &json!({ "v": [1] })).unwrap_err();
    assert!(told.ends_with("`/v` must be a text, a number or a truth value"), "{told}");
}

#[test]
fn a_host_that_is_chosen_is_one_of_those_that_it_may_be() {
    let call = HttpCall::get("https://{region}.example.com/").hosts(["*.example.com"]);
    let plan = Plan::new(call, &json!({})).unwrap();
    let asked = |region: &str| plan.request(&json!({ "region": region })).map(|it| it.url.into());
    let url: Result<String, _> = asked("eu");
    assert_eq!(url.unwrap(), "https://eu.example.com/");
    for region in ["evil.test/", "evil.test?", "evil.test#", "a@evil.test:1", "evil.test%2F", ""] {
        let Err(problem) = asked(region) else { panic!("{region} goes") };
        assert!(problem.of("ask").to_string().contains("is no name of a host"));
    }
}

#[test]
fn a_query_holds_lists_and_leaves_out_what_is_not_given() {
    let call = HttpCall::get("https://api.test/x?units=metric&from={from}")
        .query("city", "{city}")
        .query("sort", "by {sort}");
    let plan = Plan::new(call, &json!({})).unwrap();
    let url = |arguments| plan.request(&arguments).map(|it| it.url.query().map(str::to_owned));
    let all = json!({ "city": ["Ulm", "Bonn & Co"], "sort": "name", "from": true, "rest": 1 });
    let expected = "units=metric&from=true&city=Ulm&city=Bonn%20%26%20Co&sort=by%20name";
    assert_eq!(url(all).unwrap().as_deref(), Some(expected));
    assert_eq!(url(json!({ "city": null })).unwrap().as_deref(), Some("units=metric"));
    let Err(problem) = url(json!({ "city": { "name": "Ulm" } })) else { panic!("it goes") };
    assert!(problem.of("ask").to_string().contains("`/city` must be a text"));
}

#[tokio::test]
async fn what_is_posted_is_all_arguments_or_what_a_template_makes_of_them() {
    let server = Server::new(|_| ok("true")).await;
    let body = |of: usize| {
        let heard = server.heard()[of].clone();
        assert!(heard.contains("\r\ncontent-type: application/json\r\n"), "{heard}");
        serde_json::from_str::<Value>(heard.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let arguments = json!({ "id": "7\"", "tags": ["a", 1], "deep": { "x": null, "y": 2 } });
    assert_eq!(answered(HttpCall::post(server.url("/x")), arguments.clone()).await, "true");
    assert!(server.heard()[0].starts_with("POST /x HTTP/1.1\r\n"));
    assert_eq!(body(0), arguments);
    let template = json!({
        "query": { "id": "{id}", "tags": "{tags}", "note": "no. {id}" },
        "list": ["{deep.y}", "{deep.x}", "{{}}", 3],
        "missing": "{none}",
    });
    let call = HttpCall::new(http::Method::PUT, server.url("/y")).body(template);
    assert_eq!(answered(call, arguments).await, "true");
    let expected = json!({
        "query": { "id": "7\"", "tags": ["a", 1], "note": "no. 7\"" },
        "list": [2, "{}", 3],
    });
    assert_eq!(body(1), expected);
}

#[tokio::test]
async fn a_header_is_one_line() {
    let server = Server::new(|_| ok("true")).await;
    let call = HttpCall::get(server.url("/")).header("x-user", "u {user}").query("q", "{q}");
    answered(call.clone(), json!({ "user": "Jörg" })).await;
    assert!(server.heard()[0].contains("\r\nx-user: u Jörg\r\n"));
    answered(call.clone(), json!({})).await;
    assert!(!server.heard()[1].contains("x-user"));
    for value in ["a\r\nx-admin: 1", "a\nb", "a\0b"] {
        let told = refused(call.clone(), json!({ "user": value })).await;
        assert!(told.ends_with("`/user` must be one line of plain text"), "{told}");
    }
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn a_secret_is_told_to_the_service_alone() {
    let server = Server::new(|path| match path {
        "/echo" => ok(&format!("{{\"you\": \"sent {KEY}\"}}")),
        _ => said("401 Unauthorized", "text/plain", &format!("who is\n{KEY}?")),
    })
    .await;
    let call = |path| HttpCall::get(server.url(path)).secret_header("authorization", key());
    let told = refused(call("/"), json!({})).await;
    let expected = "`ask` failed: api.test answers with 401 Unauthorized: who is [secret]?";
    assert_eq!(told, expected);
    assert_eq!(answered(call("/echo"), json!({})).await, r#"{"you":"sent [secret]"}"#);
    assert!(server.heard()[0].contains(&format!("\r\nauthorization: Bearer {KEY}\r\n")));
    assert!(!format!("{:?}", tool(call("/"))).contains(KEY));
}

#[test]
fn only_what_changes_nothing_may_run_ahead() {
    let has = |call: HttpCall| tool(call).has_side_effects();
    let url = "https://api.test/";
    assert!(!has(HttpCall::get(url)) && !has(HttpCall::new(http::Method::HEAD, url)));
    assert!(has(HttpCall::post(url)) && has(HttpCall::new(http::Method::DELETE, url)));
    assert!(has(HttpCall::get(url).side_effects(true)));
    assert!(!has(HttpCall::post(url).side_effects(false)));
}

#[test]
fn what_can_never_be_asked_is_no_tool() {
    let get = |url: &str| HttpCall::get(url);
    let fine = || get("https://api.test/{id}");
    for (call, expected) in [
        (get("api.test"), "the address `api.test` must begin with https://"),
        (get("ftp://api.test"), "must begin with https://"),
        (get("http://api.test"), "or be allowed to do without"),
        (get("https://"), "has no host"),
        (get("https://u:p@api.test"), "must have no user"),
        (get("https://api.test/#x"), "must have no `#`"),
        (get("https://api.test/{id"), "the template `{id`"),
        (get("https://{id}.test/"), "say which hosts it may reach"),
        (get("https://api.test/{other}"), "`{other}` is none of the tool's parameters"),
        (fine().body(json!({ "a": ["{other}"] })), "`{other}` is none"),
        (fine().query("a", "{other}"), "`{other}` is none"),
        (fine().header("a", "{other}"), "`{other}` is none"),
        (fine().header("a b", ""), "the header `a b`: this is no name of one"),
        (fine().header("a", "b\nc"), "its value must be one line"),
        (fine().header("Host", "x"), "it is made by the request itself"),
        (fine().secret_header("a", Secret::new("b\nc")), "must be one line of plain text"),
        (fine().pick("items"), "`items` is no JSON pointer"),
    ] {
        let parameters = json!({ "type": "object", "properties": { "id": {} } });
        let error = Plan::new(call, &parameters).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
