use super::*;

fn parse(text: &str) -> Result<DestinationConfig, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

/// The message of the first thing that is wrong with `text`.
fn complaint(text: &str) -> String {
    match parse(text) {
        Err(error) => error,
        Ok(config) => config.check().err().map(|error| error.to_string()).unwrap_or_default(),
    }
}

#[test]
fn defaults_are_those_of_the_reference() {
    let config = parse("name = 'pacs1'\nkind = 'stow'\nurl = 'https://pacs.example/dcm4chee-arc/aets/DCM4CHEE/rs/'").unwrap();
    assert_eq!(config, DestinationConfig::stow("pacs1".parse().unwrap(), "https://pacs.example/dcm4chee-arc/aets/DCM4CHEE/rs/"));
    let checked = config.checked().unwrap();
    assert_eq!((checked.max_requests, checked.max_request_bytes, checked.rate), (4, 64 << 20, None));
    assert_eq!((checked.connect_timeout, checked.stall_timeout), (Duration::from_secs(10), Duration::from_mins(1)));
    assert_eq!(checked.matching, MatchRule::default());
    let Target::Stow { url, .. } = checked.target else { panic!("not stow") };
    assert_eq!(url.as_str(), "https://pacs.example/dcm4chee-arc/aets/DCM4CHEE/rs", "the slash at the end goes");
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        name = "cloud"
        kind = "stow"
        url = "https://pacs.example"
        match = { calling_ae = ["CT1"], modality = ["CT", "MR"], source = "dicom" }
        auth = { kind = "oauth2", token_url = "https://id.example/token", client_id = "box", client_secret_file = "/s", scope = "a b", cert_file = "/c", key_file = "/k" }
        ca_file = "/ca.pem"
        max_requests = 2
        max_request_bytes = "10MiB"
        mbit_per_s = 8
        connect_timeout = "3s"
        stall_timeout = "30s"
        retry = { first = "1s", max = "1m", horizon = "1d" }
        "#,
    )
    .unwrap();
    let checked = config.checked().unwrap();
    assert_eq!(checked.matching.source, Some(SourceKind::Dicom));
    assert_eq!(checked.rate, Some(1_000_000.0));
    assert_eq!((checked.max_requests, checked.max_request_bytes), (2, 10 << 20));
    let written = toml::to_string(&config).unwrap();
    assert_eq!(parse(&written).unwrap(), config, "{written}");
}

#[test]
fn an_empty_source_asks_nothing() {
    let config = parse("name='a'\nkind='folder'\npath='/x'\nmatch = { source = '' }").unwrap();
    assert_eq!(config.checked().unwrap().matching, MatchRule::default());
}

#[test]
fn what_is_wrong_is_said_precisely() {
    let check = |text: &str, expected: &str| {
        let said = complaint(text);
        assert!(said.contains(expected), "{text}\n  says {said:?}\n  not  {expected:?}");
    };
    let stow = |more: &str| format!("name='p'\nkind='stow'\nurl='http://h/'\n{more}");
    check("name='p q'\nkind='stow'", "a destination name has");
    check("name='p'\nkind='dimse'", "unknown variant `dimse`, expected `stow` or `folder`");
    check(&stow("ulr='x'"), "unknown field `ulr`");
    check(&stow("match={callingae=[]}"), "unknown field `callingae`");
    check(&stow("auth={kind='none', pasword='x'}"), "unknown field `pasword`");
    check(&stow("retry={frist='1s'}"), "unknown field `frist`");
    check(&stow("connect_timeout=10"), "a duration with its unit");
    check(&stow("connect_timeout='0s'"), "destination p: connect_timeout = \"0s\": must be 10ms to 1h");
    check(&stow("max_requests=0"), "destination p: max_requests = \"0\": must be 1 to 64");
    check(&stow("max_request_bytes='1KiB'"), "max_request_bytes = \"1KiB\": must be 64KiB to 16GiB");
    check(&stow("mbit_per_s=-1"), "mbit_per_s = \"-1\": must be 0 (no limit)");
    check(&stow("retry={first='10s',max='5s'}"), "retry.max = \"5s\": must not be shorter than retry.first");
    check(&stow("match={source='fax'}"), "match.source = \"fax\": a source is dicom or http");
    check(&stow("path='/x'"), "path = \"/x\": belongs to kind folder");
    check(&stow("ca_file='/x'"), "must be https where ca_file");
    check("name='p'\nkind='stow'", "destination p: url is missing");
    check("name='p'\nkind='stow'\nurl='ftp://h'", "must begin with http:// or https://");
    check("name='p'\nkind='stow'\nurl='pacs'", "is no URL (relative URL without a base)");
    check("name='p'\nkind='stow'\nurl='http://h/?a=b'", "must not have a query");
    check("name='p'\nkind='folder'", "destination p: path is missing");
    check("name='p'\nkind='folder'\npath='x'", "path = \"x\": must be absolute");
    check("name='p'\nkind='folder'\npath='/x'\nurl='http://h'", "url = \"http://h\": belongs to kind stow");
    check("name='p'\nkind='folder'\npath='/x'\nauth={kind='basic'}", "auth.kind = \"basic\": belongs to kind stow");
    check(&stow("auth={kind='basic'}"), "auth.user is missing: auth.kind basic needs it");
    check(&stow("auth={kind='basic',user='a:b',password_file='/p'}"), "must not hold a colon");
    check(&stow("auth={kind='bearer',user='u',token_file='/t'}"), "auth.user = \"u\": belongs to auth.kind basic, not bearer");
    check(&stow("auth={kind='certificate'}"), "auth.cert_file is missing");
    check(&stow("auth={cert_file='/c'}"), "auth.key_file is missing");
    check(&stow("auth={kind='oauth2',token_url='x',client_id='c',client_secret_file='/s'}"), "auth.token_url = \"x\": is no URL");
}

#[test]
fn credentials_in_a_url_are_refused_and_not_repeated() {
    let said = complaint("name='p'\nkind='stow'\nurl='http://user:geheim@h/'");
    assert!(said.contains("must not hold credentials") && !said.contains("geheim"), "{said}");
}

#[test]
fn verification_is_for_a_pacs() {
    let read = |text: &str| toml::from_str::<DestinationConfig>(text);
    let pacs = read("name = \"a\"\nkind = \"stow\"\nurl = \"http://a\"\nverify = \"retrieve\"").unwrap();
    assert_eq!((pacs.verify, pacs.check()), (Verify::Retrieve, Ok(())));
    assert_eq!(read("name = \"a\"\nkind = \"stow\"\nurl = \"http://a\"").unwrap().verify, Verify::None);
    let error = read("name = \"a\"\nkind = \"folder\"\npath = \"/a\"\nverify = \"qido\"").unwrap().check().unwrap_err();
    assert_eq!((error.field.as_str(), error.value.as_deref()), ("verify", Some("qido")));
    assert!(read("name = \"a\"\nkind = \"stow\"\nurl = \"http://a\"\nverify = \"yes\"").is_err());
}
