//! Which presentation contexts are accepted, and the A-ASSOCIATE-AC that says so (PS3.8 §9.3.3, PS3.7 annex D). Pure.
//!
//! Accepted: Verification, every storage SOP class of the dictionary, unknown and private ones; in every transfer syntax, the one listed
//! first. Everything else of the standard is no service of this box: result 3.

use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::StandardSopClassDictionary;
use dicom_ul::pdu::{
    AssociationAC, Pdu, PresentationContextProposed, PresentationContextResult, PresentationContextResultReason, RequestorRoles,
    UserIdentityType, UserVariableItem, write_pdu,
};
use relaypacs_domain::Uid;

use super::{request::Request, violation::Violation};
use crate::part10::{IMPLEMENTATION_CLASS_UID, implementation_version_name};

/// Verification (C-ECHO).
pub(crate) const VERIFICATION: &str = "1.2.840.10008.1.1";
/// The DICOM application context name (PS3.7 A.2.1).
pub(crate) const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
const IMPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
const STANDARD_ROOT: &str = "1.2.840.10008.";
/// Where the standard puts its storage classes; one that the dictionary does not know yet is taken for one.
const STORAGE_ARC: &str = "1.2.840.10008.5.1.4.1.1.";
/// Server response of a positively answered user identity (PS3.7 D.3.3.7.2).
const USER_IDENTITY_RESPONSE: u8 = 0x59;
/// Answer to an extended negotiation of a storage class (PS3.4 B.3.1.2): level 2 (every element is kept), signature level 3 (bit
/// preserving), no element is coerced.
const STORAGE_SUPPORT: [u8; 6] = [2, 0, 3, 0, 0, 0];

/// One accepted presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) abstract_syntax: Uid,
    pub(crate) transfer_syntax: Uid,
}

/// The accepted presentation contexts of an association, at most 128.
#[derive(Debug, Default)]
pub(crate) struct Contexts(Vec<(u8, Context)>);

impl Contexts {
    pub(crate) fn of(&self, id: u8) -> Option<&Context> {
        self.0.iter().find(|(other, _)| *other == id).map(|(_, context)| context)
    }

    /// Whether any context was accepted for this class.
    pub(crate) fn holds_class(&self, class: &Uid) -> bool {
        self.0.iter().any(|(_, context)| context.abstract_syntax == *class)
    }

    /// Whether objects of this class may be stored over the association.
    pub(crate) fn stores_class(&self, class: &Uid) -> bool {
        class.as_str() != VERIFICATION && self.holds_class(class)
    }
}

/// Whether objects of the class are stored.
pub(crate) fn is_storage(class: &str) -> bool {
    match StandardSopClassDictionary.by_uid(class) {
        Some(known) => {
            known.alias.contains("Storage") && !known.alias.contains("Commitment") && known.alias != "MediaStorageDirectoryStorage"
        }
        None => !class.starts_with(STANDARD_ROOT) || class.starts_with(STORAGE_ARC),
    }
}

/// Decides on every proposed context.
pub(crate) fn negotiate(proposed: &[PresentationContextProposed]) -> Result<(Contexts, Vec<PresentationContextResult>), Violation> {
    let mut seen = [false; 256];
    let mut accepted = Contexts::default();
    let mut results = Vec::with_capacity(proposed.len());
    for context in proposed {
        if context.id % 2 == 0 || std::mem::replace(&mut seen[usize::from(context.id)], true) {
            return Err(Violation::ContextId(context.id));
        }
        let decision = decide(context);
        let (reason, transfer_syntax) = match &decision {
            Ok(context) => (PresentationContextResultReason::Acceptance, context.transfer_syntax.to_string()),
            Err(reason) => (reason.clone(), IMPLICIT_LITTLE_ENDIAN.into()), // not significant (PS3.8 §9.3.3.2)
        };
        results.push(PresentationContextResult { id: context.id, reason, transfer_syntax });
        accepted.0.extend(decision.ok().map(|decided| (context.id, decided)));
    }
    Ok((accepted, results))
}

fn decide(context: &PresentationContextProposed) -> Result<Context, PresentationContextResultReason> {
    let abstract_syntax = Uid::from_value(context.abstract_syntax.as_bytes())
        .ok()
        .filter(|class| class.as_str() == VERIFICATION || is_storage(class.as_str()))
        .ok_or(PresentationContextResultReason::AbstractSyntaxNotSupported)?;
    let transfer_syntax = context
        .transfer_syntaxes
        .iter()
        .find_map(|syntax| Uid::from_value(syntax.as_bytes()).ok())
        .ok_or(PresentationContextResultReason::TransferSyntaxesNotSupported)?;
    Ok(Context { abstract_syntax, transfer_syntax })
}

/// The A-ASSOCIATE-AC PDU.
pub(crate) fn acceptance(
    request: &Request,
    contexts: &Contexts,
    results: Vec<PresentationContextResult>,
    max_pdu: u32,
) -> Result<Vec<u8>, Violation> {
    let mut user_variables = vec![
        UserVariableItem::MaxLength(max_pdu),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
        UserVariableItem::ImplementationVersionName(implementation_version_name().into()),
    ];
    user_variables.extend(request.rq.user_variables.iter().filter_map(|item| answer(item, contexts)));
    let pdu = Pdu::AssociationAC(AssociationAC {
        protocol_version: 1,
        calling_ae_title: request.rq.calling_ae_title.clone(),
        called_ae_title: request.rq.called_ae_title.clone(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: results,
        user_variables,
    });
    let mut bytes = Vec::with_capacity(8 << 10);
    write_pdu(&mut bytes, &pdu).map_err(|error| Violation::Associate(error.to_string()))?;
    Ok(bytes)
}

/// The answer to one item of user information, where one is due. Asynchronous operations go without: that means one at a time
/// (PS3.7 D.3.3.3).
fn answer(item: &UserVariableItem, contexts: &Contexts) -> Option<UserVariableItem> {
    match item {
        // The requestor may be SCU, never SCP: nothing is ever sent to it.
        UserVariableItem::ScuScpRoleSelectionSubItem(class, roles) => {
            Uid::from_value(class.as_bytes()).ok().filter(|uid| contexts.holds_class(uid))?;
            Some(UserVariableItem::ScuScpRoleSelectionSubItem(class.clone(), RequestorRoles { scu: roles.scu, scp: false }))
        }
        UserVariableItem::SopClassExtendedNegotiationSubItem(class, _) => {
            Uid::from_value(class.as_bytes()).ok().filter(|uid| contexts.stores_class(uid))?;
            Some(UserVariableItem::SopClassExtendedNegotiationSubItem(class.clone(), STORAGE_SUPPORT.to_vec()))
        }
        // Only asked-for answers are given, and only for the kinds whose answer is empty; tickets and assertions are not understood here.
        UserVariableItem::UserIdentityItem(identity) if identity.positive_response_requested() => match identity.identity_type() {
            UserIdentityType::Username | UserIdentityType::UsernamePassword => {
                Some(UserVariableItem::Unknown(USER_IDENTITY_RESPONSE, vec![0, 0]))
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_told_from_every_other_service() {
        let check = |class, expected| assert_eq!(is_storage(class), expected, "{class}");
        check("1.2.840.10008.5.1.4.1.1.2", true); // CT
        check("1.2.840.10008.5.1.4.1.1.481.5", true); // RT Plan
        check("1.2.840.10008.5.1.4.38.1", true); // Hanging Protocol
        check("1.2.840.10008.5.1.1.27", true); // Stored Print, retired
        check("1.2.840.10008.5.1.4.1.1.99999.1", true); // newer than the dictionary
        check("1.2.840.113619.4.30", true); // GE private
        check("1.3.46.670589.11.0.0.12.2", true); // Philips private
        check("1.2.840.10008.5.1.4.1.2.2.1", false); // Study Root FIND
        check("1.2.840.10008.5.1.4.1.2.1.2", false); // Patient Root MOVE
        check("1.2.840.10008.5.1.4.31", false); // Worklist
        check("1.2.840.10008.1.20.1", false); // Storage Commitment
        check("1.2.840.10008.1.3.10", false); // Media directory
        check("1.2.840.10008.5.1.1.9", false); // Print
        check("1.2.840.10008.1.2.1", false); // a transfer syntax
        check("1.2.840.10008.5.1.4.1.1.201.2", false); // Inventory FIND
    }

    fn proposed(id: u8, class: &str, syntaxes: &[&str]) -> PresentationContextProposed {
        PresentationContextProposed {
            id,
            abstract_syntax: class.into(),
            transfer_syntaxes: syntaxes.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_first_transfer_syntax_wins_and_refusals_name_their_reason() {
        let (contexts, results) = negotiate(&[
            proposed(1, "1.2.840.10008.5.1.4.1.1.2\0", &["", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2"]),
            proposed(3, "1.2.840.10008.5.1.4.1.2.2.1", &["1.2.840.10008.1.2"]),
            proposed(5, "1.2.840.10008.5.1.4.1.1.4", &[]),
            proposed(7, "garbage", &["1.2.840.10008.1.2"]),
        ])
        .expect("an answer");
        assert_eq!(contexts.of(1).map(|context| context.transfer_syntax.as_str()), Some("1.2.840.10008.1.2.4.90"));
        assert_eq!((contexts.of(3), contexts.of(5), contexts.of(7), contexts.of(2)), (None, None, None, None));
        let reasons: Vec<u8> = results.into_iter().map(|result| result.reason as u8).collect();
        assert_eq!(reasons, [0, 3, 4, 3]);
    }

    #[test]
    fn ids_are_odd_and_unique() {
        assert_eq!(negotiate(&[proposed(2, "1.2.3", &["1.2"])]).err(), Some(Violation::ContextId(2)));
        assert_eq!(negotiate(&[proposed(1, "1.2.3", &["1.2"]), proposed(1, "1.2.4", &["1.2"])]).err(), Some(Violation::ContextId(1)));
    }
}
