use http_body_util::BodyExt;
use relaypacs_domain::Timestamp;
use serde_json::{Value, json};

use super::*;

async fn told(problem: Problem) -> (StatusCode, axum::http::HeaderMap, Value) {
    let (head, body) = problem.answer("/api/v1/x", "0af7").into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn each_refusal_has_its_status_code_and_headers() {
    let check = async |problem: Problem, status: u16, code: Value, header: Option<(&str, &str)>| {
        let (found, headers, body) = told(problem).await;
        assert_eq!((found.as_u16(), &body["status"], &body["code"]), (status, &json!(status), &code));
        if let Some((name, value)) = header {
            assert_eq!(headers[name], value, "{body}");
        }
        body
    };
    check(Problem::unauthorized("no token"), 401, json!("unauthorized"), Some(("www-authenticate", "Bearer realm=\"relaypacs\""))).await;
    check(Problem::invalid_credentials(), 401, json!("invalid_credentials"), None).await;
    check(Problem::totp_required(), 403, json!("totp_required"), Some(("x-totp-required", "true"))).await;
    check(Problem::forbidden("not yours"), 403, json!("forbidden"), None).await;
    check(Problem::conflict("not now"), 409, json!("conflict"), None).await;
    check(Problem::too_large("at most 1 byte"), 413, json!("payload_too_large"), None).await;
    check(Problem::too_many("slower", 0), 429, json!("rate_limited"), Some(("retry-after", "1"))).await;
    check(Problem::disk_full("the reserve is reached"), 507, json!("disk_full"), Some(("retry-after", "60"))).await;
    check(Problem::of_status(StatusCode::NOT_FOUND), 404, Value::Null, None).await;
    let several = check(Problem::invalid("/age", "no age").and("/name", "missing"), 422, json!("invalid_request"), None).await;
    assert_eq!(several["errors"], json!([{"pointer": "/age", "detail": "no age"}, {"pointer": "/name", "detail": "missing"}]));
}

#[tokio::test]
async fn a_duplicate_says_which_upload_it_repeats() {
    let earlier =
        Duplicate { upload_id: "0193".into(), uploaded_at: Time(Timestamp::from_millis(1_795_400_000_000)), uploaded_by: "mary".into() };
    let (status, _, body) = told(Problem::duplicate(earlier)).await;
    assert_eq!((status.as_u16(), &body["code"]), (409, &json!("DUPLICATE_STUDY")));
    assert_eq!((&body["upload_id"], &body["uploaded_by"]), (&json!("0193"), &json!("mary")));
    assert!(body["uploaded_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{body}");
}

#[tokio::test]
async fn missing_chunks_are_named_by_file() {
    let (_, _, body) = told(Problem::incomplete("2 chunks are missing", BTreeMap::from([("ct1".to_string(), vec![0, 3])]))).await;
    assert_eq!((&body["code"], &body["missing"]), (&json!("incomplete"), &json!({"ct1": [0, 3]})));
}
