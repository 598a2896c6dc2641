//! What tools of servers are called, so that models accept it and no two are called the same.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// What `server` is called in the names of its tools: letters, digits, `_` and `-`, and no two `_`
/// in a row, which separate the parts.
pub(super) fn plain_server(server: &str) -> String {
    let mut plain = String::with_capacity(server.len());
    for c in server.chars().map(plain_char) {
        if c != '_' || !plain.ends_with('_') {
            plain.push(c);
        }
    }
    plain.trim_matches('_').chars().take(MAX_SERVER).collect()
}

/// The names of `tools` of `server`, in their order: `mcp__server__tool`. One that is too long, or
/// would be the same as another, ends in a hash of what the server calls it.
pub(super) fn tool_names(server: &str, tools: &[&str]) -> Vec<String> {
    let plain = |tool: &str| -> String {
        let tool: String = tool.chars().map(plain_char).collect();
        format!("mcp__{}__{tool}", plain_server(server))
    };
    let names: Vec<String> = tools.iter().map(|tool| plain(tool)).collect();
    let mut times: HashMap<&str, u32> = HashMap::new();
    for name in &names {
        *times.entry(name).or_default() += 1;
    }
    let is_good = |name: &str| name.len() <= MAX_NAME && times[name] == 1;
    let named = names.iter().zip(tools);
    named
        .map(|(name, tool)| if is_good(name) { name.clone() } else { hashed(name, tool) })
        .collect()
}

fn plain_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }
}

fn hashed(name: &str, tool: &str) -> String {
    let hash = Sha256::digest(tool);
    let kept = name.len().min(MAX_NAME - 9);
    format!("{}_{:02x}{:02x}{:02x}{:02x}", &name[..kept], hash[0], hash[1], hash[2], hash[3])
}

/// What models accept.
const MAX_NAME: usize = 64;
/// Of a server's name: leaves room for a tool's.
const MAX_SERVER: usize = 24;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tool_is_named_after_its_server() {
        let named = tool_names("my files", &["read", "get/page", "größe"]);
        assert_eq!(
            named,
            ["mcp__my_files__read", "mcp__my_files__get_page", "mcp__my_files__gr__e"]
        );
    }

    #[test]
    fn names_that_would_be_the_same_or_too_long_end_in_a_hash() {
        let long = "x".repeat(80);
        let named = tool_names("a", &["get.page", "get/page", "get", &long]);
        assert_eq!(named[2], "mcp__a__get");
        assert!(named[0].starts_with("mcp__a__get_page_") && named[1].len() == named[0].len());
        assert_ne!(named[0], named[1]);
        assert_eq!(named[3].len(), 64);
        assert_eq!(named[0], tool_names("a", &["get/page", "get.page"])[1], "whatever the order");
    }

    #[test]
    fn a_server_cannot_pretend_to_be_a_tool_of_another() {
        assert_eq!(plain_server("a__b"), "a_b");
        assert_eq!(plain_server("_ä-1_"), "-1");
        assert_eq!(plain_server("  "), "");
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_models_accept(server in "\\PC{1,40}", tools in proptest::collection::vec("\\PC{0,90}", 0..8)) {
            let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
            for name in tool_names(&server, &tools) {
                prop_assert!((1..=64).contains(&name.len()));
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
            }
        }
    }
}
