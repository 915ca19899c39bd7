use relaypacs_domain::Timestamp;
use serde_json::json;

use super::*;
use crate::audit::{self, Outcome};

fn fact() -> AuditFact {
    AuditFact {
        at: Timestamp::from_millis(1),
        actor: "ada".into(),
        action: "test",
        object: String::new(),
        outcome: Outcome::Done,
        address: None,
    }
}

fn open(dir: &std::path::Path) -> Settings {
    let folder = crate::keys::folder(dir).unwrap();
    Settings::new(Store::open(dir).unwrap(), Secrets::open(&folder).unwrap())
}

fn pacs(password: &str) -> KeptDestination {
    KeptDestination {
        name: "pacs".parse().unwrap(),
        settings: json!({"name": "pacs", "kind": "stow", "url": "https://pacs.example/rs"}),
        secrets: BTreeMap::from([("password".to_owned(), password.to_owned())]),
    }
}

#[tokio::test]
async fn a_destination_stays_with_its_secrets_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let settings = open(dir.path());
    settings.put_destination(&pacs("very-secret-word"), Put::New, fact()).await.unwrap();
    assert!(matches!(settings.put_destination(&pacs("x"), Put::New, fact()).await, Err(SettingsError::Taken(_))));
    assert_eq!(settings.destination(&"pacs".parse().unwrap()).unwrap(), Some(pacs("very-secret-word")));
    settings.put_destination(&pacs("another-secret"), Put::Changed, fact()).await.unwrap();
    drop(settings);
    let bytes = std::fs::read(dir.path().join(crate::FILE)).unwrap();
    assert!(!bytes.windows(11).any(|window| window == b"very-secret" || window == b"another-sec"), "a secret stands in the file");

    let settings = open(dir.path());
    let kept: Vec<_> = settings.destinations().unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(kept, [pacs("another-secret")]);
    assert!(!format!("{kept:?}").contains("another"));
    settings.remove_destination(&"pacs".parse().unwrap(), fact()).await.unwrap();
    assert!(matches!(settings.remove_destination(&"pacs".parse().unwrap(), fact()).await, Err(SettingsError::Unknown(_))));
    assert!(settings.destinations().unwrap().is_empty());
    assert_eq!(audit::verify(&settings.store).unwrap().entries, 3, "each change, and no refusal, is in the trail");
}

#[tokio::test]
async fn another_box_s_key_does_not_open_the_secrets() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    open(one.path()).put_destination(&pacs("x"), Put::New, fact()).await.unwrap();
    std::fs::copy(one.path().join(crate::FILE), other.path().join(crate::FILE)).unwrap();
    let kept = open(other.path()).destinations().unwrap();
    assert!(matches!(kept.as_slice(), [Err(SettingsError::Sealed(_))]), "{kept:?}");
}

#[tokio::test]
async fn modalities_are_kept_changed_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let settings = open(dir.path());
    let ct = |port| KeptModality {
        ae_title: "CT1".parse().unwrap(),
        address: Some("192.0.2.1".parse().unwrap()),
        port: Some(port),
        service_level: Some(ServiceLevel::Stat),
        max_associations: None,
        description: Some("CT room 1".into()),
    };
    assert!(matches!(settings.put_modality(&ct(104), Put::Changed, fact()).await, Err(SettingsError::Unknown(_))));
    settings.put_modality(&ct(104), Put::New, fact()).await.unwrap();
    settings.put_modality(&ct(105), Put::Changed, fact()).await.unwrap();
    assert_eq!(settings.modalities().unwrap(), [ct(105)]);
    settings.remove_modality(&"CT1".parse().unwrap(), fact()).await.unwrap();
    assert!(settings.modalities().unwrap().is_empty());
}
