use super::*;

fn load(toml: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("karez.toml");
    std::fs::write(&path, toml).unwrap();
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::load(Some(&path), env, &[])
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load(
        "[server]\nlisten = \"127.0.0.1:1\"\n",
        &[("KAREZ_SERVER_LISTEN", "127.0.0.1:2"), ("KAREZ_BIN", "/x")],
    )
    .unwrap();
    assert_eq!(config.server.listen.port(), 2);
}

#[test]
fn a_key_nobody_knows_is_named() {
    let e = load("[server]\nlisten_on = \"x\"\n", &[]).unwrap_err();
    assert!(e.to_string().contains("server.listen_on"), "{e}");
    let e = load("", &[("KAREZ_SERVER_PROT", "1")]).unwrap_err();
    assert!(e.to_string().contains("KAREZ_SERVER_PROT"), "{e}");
}

#[test]
fn a_bad_value_names_its_key() {
    for (toml, key) in [
        ("[server]\nlisten = \"nowhere\"", "server.listen"),
        (
            "[server]\nrequest_timeout_s = 0",
            "server.request_timeout_s",
        ),
        (
            "[server]\npublic_url = \"https://a/b\"",
            "server.public_url",
        ),
        ("[tls]\nmode = \"on\"", "tls.mode"),
        ("[tls]\nmode = \"files\"", "tls.certificate_file"),
        (
            "[accounts]\nsecond_factor_for = \"king\"",
            "accounts.second_factor_for",
        ),
        ("[mail]\nhost = \"relay\"", "mail.from"),
        ("[log]\nformat = \"xml\"", "log.format"),
        ("[downtime]\nevery_h = 0", "downtime.every_h"),
        ("[seal]\ntime_stamp_url = \"tsa\"", "seal.time_stamp_url"),
        (
            "[seal]\ntime_stamp_roots = \"/nowhere.pem\"",
            "seal.time_stamp_roots",
        ),
        ("[blobs]\nplace = \"tape\"", "blobs.place"),
        ("[blobs]\nplace = \"s3\"", "blobs.bucket"),
        (
            "[blobs]\nplace = \"s3\"\nbucket = \"b\"\nendpoint = \"ftp://x\"",
            "blobs.endpoint",
        ),
        (
            "[blobs]\nplace = \"s3\"\nbucket = \"b\"",
            "blobs.access_key",
        ),
        ("[backup]\nplace = \"folder\"", "backup.folder"),
        ("[backup]\nevery_s = 60", "backup.every_s"),
        (
            "[server]\nlisten = \"0.0.0.0:80\"\n[tls]\nmode = \"off\"",
            "tls.mode",
        ),
    ] {
        let e = load(toml, &[]).unwrap_err().to_string();
        assert!(e.starts_with(key), "{toml}: {e}");
    }
}

#[test]
fn outside_loopback_the_line_is_encrypted_without_being_asked() {
    let config = load("[server]\nlisten = \"0.0.0.0:8443\"\n", &[]).unwrap();
    assert_eq!(config.tls.mode, TlsMode::SelfSigned);
}

#[test]
fn every_key_is_explained_with_a_default_that_can_be_read() {
    let text = Config::explain();
    for key in keys() {
        assert!(!key.doc.is_empty(), "{}", key.name);
        assert!(text.contains(&values::variable(key.name)), "{}", key.name);
    }
    Config::from_values(&Values::new(keys())).unwrap();
}
