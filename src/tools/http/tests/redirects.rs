//! Where a request goes, and where it does not.

use super::*;

/// `/STATUS/…` redirects to what the test says, anything else is an answer.
async fn server(to: &'static str) -> Server {
    Server::new(move |path| match path.get(1..4) {
        Some(status @ ("301" | "302" | "303" | "307" | "308")) => redirect(status, to),
        _ => ok("\"there\""),
    })
    .await
}

#[tokio::test]
async fn a_redirect_is_followed_as_browsers_do() {
    let server = server("../there?x=1").await;
    for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
    {
        let call = HttpCall::post(server.url(&format!("/{status}/a")));
        assert_eq!(answered(call, json!({ "a": 1 })).await, "there");
        let last = server.heard().pop().unwrap();
        assert!(last.starts_with(&format!("{method} /there?x=1 HTTP/1.1\r\n")), "{last}");
        assert_eq!(last.contains("{\"a\":1}"), method == "POST");
        assert_eq!(last.contains("content-type"), method == "POST");
    }
}

#[tokio::test]
async fn what_is_secret_goes_to_no_other_host() {
    let other = Server::new(|_| ok("\"there\"")).await;
    let to = other.url("/").replace("api.test", "other.test");
    let server = Server::new(move |path| match path {
        "/away" => redirect("302 Found", &to),
        "/near" => redirect("302 Found", "/there"),
        _ => ok("\"there\""),
    })
    .await;
    let call = |path| {
        HttpCall::get(server.url(path))
            .secret_header("x-key", key())
            .header("authorization", "open")
            .header("x-open", "yes")
            .hosts(["api.test", "other.test"])
    };
    answered(call("/near"), json!({})).await;
    assert!(server.heard()[1].contains(KEY) && server.heard()[1].contains("authorization"));
    answered(call("/away"), json!({})).await;
    let heard = other.heard().remove(0);
    assert!(heard.contains("x-open: yes"), "{heard}");
    assert!(!heard.contains(KEY) && !heard.contains("authorization"), "{heard}");
}

#[tokio::test]
async fn a_redirect_reaches_no_address_that_is_not_public() {
    for (to, host) in [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://[::ffff:169.254.169.254]/", "*"),
        ("http://127.0.0.1:9/", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://inner.test/", "inner.test"),
    ] {
        let server = server(to).await;
        let hosts = ["api.test", host, "[::ffff:a9fe:a9fe]"];
        let told = refused(HttpCall::get(server.url("/302/")).hosts(hosts), json!({})).await;
        assert!(told.ends_with("its address is not one of the public network"), "{told}");
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_goes_to_no_host_that_is_not_listed() {
    for (to, expected) in [
        ("http://other.test/", "other.test is none of the hosts that it may reach"),
        ("http://xapi.test/", "xapi.test is none of the hosts"),
        ("http://api.test.evil.test/", "api.test.evil.test is none of the hosts"),
        ("ftp://api.test/", "api.test must be reached by https"),
        ("file:///etc/passwd", "must be reached by https"),
        ("http://u:p@api.test/", "redirects it to nowhere"),
        ("http://", "redirects it to nowhere"),
    ] {
        let server = server(to).await;
        let told = refused(HttpCall::get(server.url("/302/")), json!({})).await;
        assert!(told.contains(expected), "{told}");
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_circle_ends() {
    let server = server("/302/").await;
    let told = refused(HttpCall::get(server.url("/302/")), json!({})).await;
    assert!(told.ends_with("it was redirected more than 5 times"), "{told}");
    assert_eq!(server.heard().len(), 6);
}

#[test]
fn a_star_stands_for_what_is_within() {
    let call = HttpCall::get("https://api.test/").hosts(["*.Example.com", "exact.test"]);
    let plan = Plan::new(call, &json!({})).unwrap();
    let goes = |url: &str| plan.check_address(&url.parse().unwrap()).is_ok();
    for url in ["https://a.example.com", "https://A.B.example.com:8", "https://exact.test."] {
        assert!(goes(url), "{url}");
    }
    for url in [
        "https://example.com",
        "https://aexample.com",
        "https://a.example.com.evil.test",
        "https://sub.exact.test",
        "https://api.test",
        "http://exact.test",
    ] {
        assert!(!goes(url), "{url}");
    }
}

#[tokio::test]
async fn this_machine_is_reached_only_if_that_is_allowed() {
    let server = Server::new(|_| ok("\"here\"")).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let asked = async |call: HttpCall| {
        let tool = HttpTool::new(descriptor(), call).unwrap();
        tool.call(json!({}), ToolContext::detached()).await.map_err(|error| error.to_string())
    };
    let told = asked(HttpCall::get(&url).allow_plain()).await.unwrap_err();
    assert!(told.ends_with("its address is not one of the public network"), "{told}");
    assert_eq!(server.heard().len(), 0);
    assert_eq!(asked(HttpCall::get(&url).allow_private()).await.unwrap(), "here");
}
