//! Who may send, who has sent, and who was rejected and why.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State};
use relaypacs_dicom::PeerSeen;
use relaypacs_domain::Action;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{App, KnownModality},
    caller::Caller,
    destinations::ManagedBy,
    problem::{Problem, ProblemBody},
    time::Time,
};

mod manage;

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).merge(manage::routes()).route("/api/v1/modalities/", axum::routing::get(list))
}

/// A modality: configured, or seen since the daemon started.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Modality {
    /// Its AE title.
    ae_title: String,
    /// Where it must come from, where that is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Where it listens, where that is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Where it is set: in the configuration file, which is changed on the box only, or in the box; absent: it was only seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    managed: Option<ManagedBy>,
    /// Whether its associations are taken: it is configured, or no modality is.
    allowed: bool,
    /// How many associations it may have at once, where that is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_associations: Option<usize>,
    /// When it was last connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<Time>,
    /// Associations it has open now.
    associations: usize,
    /// Instances taken from it since the daemon started.
    instances: u64,
    /// Why it was last rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_refusal: Option<Refusal>,
}

/// A rejected association.
#[derive(Debug, Serialize, ToSchema)]
struct Refusal {
    /// When.
    at: Time,
    /// Why.
    reason: String,
}

/// Every modality that is configured or was seen since the daemon started.
#[utoipa::path(get, path = "/api/v1/modalities", operation_id = "list_modalities", tag = "modalities", responses(
    (status = 200, description = "all modalities, by AE title", body = Vec<Modality>),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<Modality>>, Problem> {
    caller.may(Action::UseTheBox)?;
    Ok(Json(listed(&app)?))
}

/// Known and seen modalities as one list.
fn listed(app: &App) -> Result<Vec<Modality>, Problem> {
    let mut all = join(&app.known_modalities()?, app.scp.peers());
    let in_file: BTreeSet<&str> = app.info.modalities.iter().map(|known| known.ae_title.as_str()).collect();
    for modality in all.iter_mut().filter(|modality| modality.managed.is_some() && in_file.contains(modality.ae_title.as_str())) {
        modality.managed = Some(ManagedBy::File);
    }
    Ok(all)
}

/// Configured and seen modalities as one list, by AE title.
fn join(known: &[KnownModality], seen: Vec<PeerSeen>) -> Vec<Modality> {
    let anybody = known.is_empty();
    let mut all: BTreeMap<String, Modality> = known.iter().map(|known| (known.ae_title.to_string(), Modality::from(known))).collect();
    for peer in seen {
        let entry = all.entry(peer.calling_ae.clone());
        let modality = entry.or_insert_with(|| Modality { ae_title: peer.calling_ae, allowed: anybody, ..Modality::default() });
        modality.last_seen = Some(Time(peer.last_seen));
        modality.associations = peer.associations_open;
        modality.instances = peer.instances;
        modality.last_refusal = peer.last_refusal.map(|(at, reason)| Refusal { at: Time(at), reason });
    }
    all.into_values().collect()
}

impl From<&KnownModality> for Modality {
    fn from(known: &KnownModality) -> Self {
        Self {
            ae_title: known.ae_title.to_string(),
            address: known.address.map(|address| address.to_string()),
            port: known.port,
            description: known.description.clone(),
            managed: Some(ManagedBy::Box),
            allowed: true,
            max_associations: known.max_associations,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use relaypacs_domain::Timestamp;

    use super::*;

    fn seen(ae_title: &str) -> PeerSeen {
        PeerSeen {
            calling_ae: ae_title.into(),
            last_seen: Timestamp::from_millis(1),
            associations_open: 2,
            instances: 3,
            last_refusal: None,
        }
    }
    fn known(ae_title: &str) -> KnownModality {
        KnownModality {
            ae_title: ae_title.parse().unwrap(),
            address: None,
            port: None,
            service_level: None,
            max_associations: None,
            description: None,
        }
    }

    #[test]
    fn once_one_is_configured_the_others_are_not_allowed() {
        let check = |known: &[KnownModality], expected: &[(&str, bool, usize)]| {
            let joined = join(known, vec![seen("CT1"), seen("MR1")]);
            let short: Vec<_> = joined.iter().map(|m| (m.ae_title.as_str(), m.allowed, m.associations)).collect();
            assert_eq!(short, expected);
        };
        check(&[], &[("CT1", true, 2), ("MR1", true, 2)]);
        check(&[known("CT1"), known("US1")], &[("CT1", true, 2), ("MR1", false, 2), ("US1", true, 0)]);
    }
}
