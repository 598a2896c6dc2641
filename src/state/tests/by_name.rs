use super::*;

#[test]
fn stores_have_names() {
    for (name, told) in
        [("memory", "memory"), ("files:/x/y", "files:/x/y"), ("files:a:b", "files:a:b")]
    {
        assert_eq!(by_name(name).unwrap().name(), told);
    }
    #[cfg(feature = "sqlite")]
    assert_eq!(by_name("sqlite:x.db").unwrap().name(), "sqlite:x.db");
    #[cfg(not(feature = "sqlite"))]
    assert_eq!(by_name("sqlite:x.db").unwrap_err(), StoreNameError::NotBuilt { feature: "sqlite" });
}

#[test]
fn a_name_that_is_wrong_is_told_without_what_may_be_a_password() {
    for name in ["file:x", "memory:x", "files:", "sqlite:", "sqlite", "", "redsi://me:hush@host"] {
        let told = by_name(name).unwrap_err().to_string();
        assert!(
            told.contains("there are: memory, files, files:DIR, sqlite:FILE, redis://HOST"),
            "{told}"
        );
        assert!(!told.contains("hush"), "{told}");
    }
}
