//! What a STOW-RS answer says about each instance (PS3.18 §10.5.3, Annex I), whatever its status and form.
//!
//! An instance counts as stored only when it is named in ReferencedSOPSequence (0008,1199). An instance that is named as stored *and* as
//! failed is taken as neither: it has to be asked for.

use std::collections::HashMap;

use relaypacs_domain::Uid;

use crate::dicomweb::{item::Item, json, xml};

/// An answer that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    named: HashMap<Uid, Named>,
    /// RetrieveURL (0008,1190) of the study.
    pub(crate) retrieve_url: Option<String>,
    /// A reason from OtherFailuresSequence (0008,119A), which names no instance.
    pub(crate) other_failure: Option<u16>,
}

/// What an answer says about one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// In 0008,1199.
    Stored { retrieve_url: Option<String>, warning: Option<u16> },
    /// In 0008,1198.
    Failed { reason: Option<u16> },
    /// In both.
    Contradicted,
}

/// Why an answer could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// No body at all.
    #[error("the answer is empty")]
    Empty,
    /// A web page: some proxy or log-in page answered, not the PACS.
    #[error("a web page answered instead of the PACS")]
    Html,
    /// Neither DICOM JSON nor DICOM XML.
    #[error("the answer is neither DICOM JSON nor DICOM XML")]
    Other,
    /// The line broke before its end.
    #[error("the answer breaks off")]
    CutOff,
    /// Longer than an answer to such a request can be.
    #[error("the answer is too long")]
    TooLong,
}

impl Answer {
    /// Longest answer that is read, for a request of `instances` instances.
    pub(crate) fn limit_bytes(instances: usize) -> usize {
        (64 << 10) + instances.min(Item::MOST) * (8 << 10)
    }

    /// Reads an answer; its form is told from its first character, since many errors come without Content-Type.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
        let sets = match body.first() {
            None => return Err(Unreadable::Empty),
            Some(b'{' | b'[') => json::parse(body).map_err(|_| Unreadable::Other)?,
            Some(b'<') => {
                let text = std::str::from_utf8(body).map_err(|_| Unreadable::Other)?;
                xml::parse(text).map_err(|_| if is_html(text) { Unreadable::Html } else { Unreadable::Other })?
            }
            Some(_) => return Err(Unreadable::Other),
        };
        let mut all = Item::default();
        for set in sets {
            all.merge(set);
        }
        if !all.is_dicom {
            return Err(Unreadable::Other);
        }
        Ok(Self::from_item(all))
    }

    fn from_item(all: Item) -> Self {
        let mut answer = Self {
            named: HashMap::new(),
            retrieve_url: all.retrieve_url,
            other_failure: all.other_failures.unwrap_or_default().iter().find_map(|item| item.reason),
        };
        for item in all.stored.unwrap_or_default() {
            if let Some(uid) = item.referenced {
                answer.named.entry(uid).or_insert(Named::Stored { retrieve_url: item.retrieve_url, warning: item.warning });
            }
        }
        for item in all.failed.unwrap_or_default() {
            if let Some(uid) = item.referenced {
                answer.failed(uid, item.reason);
            }
        }
        answer
    }

    fn failed(&mut self, uid: Uid, reason: Option<u16>) {
        let named = self.named.entry(uid).or_insert(Named::Failed { reason });
        match named {
            Named::Stored { .. } => *named = Named::Contradicted,
            Named::Failed { reason: known } => *known = known.or(reason),
            Named::Contradicted => {}
        }
    }

    /// What it says about an instance; `None`: nothing.
    pub(crate) fn about(&self, sop_instance: &Uid) -> Option<&Named> {
        self.named.get(sop_instance)
    }

    /// How many instances it names.
    pub(crate) fn len(&self) -> usize {
        self.named.len()
    }
}

fn is_html(text: &str) -> bool {
    let start: String = text.chars().take(512).collect::<String>().to_ascii_lowercase();
    start.contains("<html") || start.contains("<!doctype html")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uid(text: &str) -> Uid {
        text.parse().unwrap()
    }

    fn listed(tag: &str, uids: &[&str]) -> String {
        let items: Vec<String> = uids.iter().map(|uid| format!(r#"{{"00081155":{{"vr":"UI","Value":["{uid}"]}}}}"#)).collect();
        format!(r#""{tag}":{{"vr":"SQ","Value":[{}]}}"#, items.join(","))
    }

    #[test]
    fn padding_duplicates_and_contradictions() {
        let text = format!(
            "{{{},{}}}",
            listed("00081199", &["1.1\\u0000", "1.1", " 1.2 ", "1.3", "not a uid"]),
            listed("00081198", &["1.3", "1.4"])
        );
        let answer = Answer::parse(text.as_bytes()).unwrap();
        assert!(matches!(answer.about(&uid("1.1")), Some(Named::Stored { .. })));
        assert!(matches!(answer.about(&uid("1.2")), Some(Named::Stored { .. })));
        assert_eq!(answer.about(&uid("1.3")), Some(&Named::Contradicted));
        assert_eq!(answer.about(&uid("1.4")), Some(&Named::Failed { reason: None }));
        assert_eq!(answer.about(&uid("1.5")), None);
        assert_eq!(answer.len(), 4);
    }

    #[test]
    fn lists_of_several_data_sets_are_joined() {
        let text = format!("[{{{}}},{{{}}}]", listed("00081199", &["1.1"]), listed("00081199", &["1.2"]));
        assert_eq!(Answer::parse(text.as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_answer_says_why() {
        let check = |body: &[u8], expected| assert_eq!(Answer::parse(body), Err(expected), "{:?}", String::from_utf8_lossy(body));
        check(b"", Unreadable::Empty);
        check(b" \r\n", Unreadable::Empty);
        check(b"<!DOCTYPE html><html><body>Sign in", Unreadable::Html);
        check(b"<html><body><h1>Sign in to the hospital network</h1></body></html>", Unreadable::Html);
        check(b"{\"errorMessage\":\"not now\"}", Unreadable::Other);
        check(b"{\"00081199\":{\"vr\":\"SQ\",\"Val", Unreadable::Other);
        check(b"OK", Unreadable::Other);
        check(b"\xff\xfe", Unreadable::Other);
        check(b"<NativeDicomModel>\xff", Unreadable::Other);
    }

    #[test]
    fn an_empty_list_is_an_answer_that_names_nobody() {
        for text in [
            r#"{"00081190":{"vr":"UR"},"00081198":{"vr":"SQ","Value":[]},"00081199":{"vr":"SQ","Value":[]}}"#,
            r#"{"00081190":{"vr":"UR"}}"#,
            "<NativeDicomModel></NativeDicomModel>",
        ] {
            assert_eq!(Answer::parse(text.as_bytes()).unwrap().len(), 0, "{text}");
        }
    }

    const MARKUP: [&str; 15] = [
        "<",
        ">",
        "/",
        "\"",
        "=",
        "&amp;",
        "<Item>",
        "</Item>",
        "<Value>",
        "</Value>",
        "<DicomAttribute tag=\"00081199\">",
        "</DicomAttribute>",
        "<NativeDicomModel>",
        "</NativeDicomModel>",
        "<![CDATA[",
    ];
    const JSON: [&str; 15] =
        ["{", "}", "[", "]", ":", ",", "null", "1", "-1", "1e9", "\"Value\"", "\"00081199\"", "\"00081155\"", "\"1.2\"", "\"vr\""];

    fn tokens(all: &'static [&'static str]) -> impl Strategy<Value = String> {
        proptest::collection::vec(proptest::sample::select(all), 0..60).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn random_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = Answer::parse(&body);
        }

        #[test]
        fn random_markup_never_panics(body in tokens(&MARKUP)) {
            let _ = Answer::parse(body.as_bytes());
        }

        #[test]
        fn random_json_never_panics(body in tokens(&JSON)) {
            let _ = Answer::parse(body.as_bytes());
        }

        /// What is not named as stored is never taken as stored.
        #[test]
        fn only_what_is_named_counts(stored in proptest::collection::btree_set(1u32..40, 0..20), failed in proptest::collection::btree_set(1u32..40, 0..20)) {
            let names = |set: &std::collections::BTreeSet<u32>| set.iter().map(|n| format!("1.2.{n}")).collect::<Vec<_>>();
            let (good, bad) = (names(&stored), names(&failed));
            let text = format!("{{{},{}}}", listed("00081199", &good.iter().map(String::as_str).collect::<Vec<_>>()),
                listed("00081198", &bad.iter().map(String::as_str).collect::<Vec<_>>()));
            let answer = Answer::parse(text.as_bytes()).unwrap();
            for n in 1..40u32 {
                let is_stored = matches!(answer.about(&uid(&format!("1.2.{n}"))), Some(Named::Stored { .. }));
                prop_assert_eq!(is_stored, stored.contains(&n) && !failed.contains(&n));
            }
        }
    }
}
