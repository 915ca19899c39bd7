//! DICOM JSON (PS3.18 Annex F), read leniently and bounded: one object or an array of them; tags in any case; only the attributes of
//! [`Item`] are kept, only sequences at the top are entered, everything else is skipped without being built.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::item::{Attribute, Item};

/// Reads all data sets of an answer.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Item>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let items = Items { depth: 0 }.deserialize(&mut json)?;
    json.end()?;
    Ok(items)
}

/// An array of data sets, or one.
struct Items {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<Item>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Item>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Item>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data set or an array of them")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Item>, A::Error> {
        Ok(vec![read_item(map, self.depth)?])
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Item>, A::Error> {
        let mut items = Vec::new();
        while items.len() < Item::MOST {
            match seq.next_element_seed(OneItem { depth: self.depth })? {
                Some(Some(item)) => items.push(item),
                Some(None) => {}
                None => return Ok(items),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
    fn visit_unit<E>(self) -> Result<Vec<Item>, E> {
        Ok(Vec::new())
    }
}

/// One data set; `null` (an empty item, F.2.5) and anything else count as nothing.
struct OneItem {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for OneItem {
    type Value = Option<Item>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Item>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneItem {
    type Value = Option<Item>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data set")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<Item>, A::Error> {
        read_item(map, self.depth).map(Some)
    }
    fn visit_unit<E>(self) -> Result<Option<Item>, E> {
        Ok(None)
    }
}

fn read_item<'de, A: MapAccess<'de>>(mut map: A, depth: usize) -> Result<Item, A::Error> {
    let mut item = Item::default();
    while let Some(attribute) = map.next_key_seed(Tag)? {
        item.is_dicom |= attribute.is_some();
        match attribute {
            Some(attribute) if attribute.is_sequence() && depth == 0 => {
                let found = map.next_value_seed(Element { inner: Items { depth: 1 } })?.unwrap_or_default();
                if let Some(sequence) = item.sequence(attribute) {
                    let room = Item::MOST.saturating_sub(sequence.len());
                    sequence.extend(found.into_iter().take(room));
                }
            }
            Some(attribute) if !attribute.is_sequence() => {
                if let Some(Some(value)) = map.next_value_seed(Element { inner: First })? {
                    item.set(attribute, &value);
                }
            }
            Some(_) | None => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(item)
}

/// The tag of an attribute.
struct Tag;

impl<'de> DeserializeSeed<'de> for Tag {
    type Value = Option<Attribute>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Attribute>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Tag {
    type Value = Option<Attribute>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag")
    }
    fn visit_str<E>(self, tag: &str) -> Result<Option<Attribute>, E> {
        Ok(Attribute::of(tag))
    }
}

/// `{"vr": …, "Value": …}`: what `inner` reads from `Value`; `None` without one.
struct Element<S> {
    inner: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Element<S> {
    type Value = Option<S::Value>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Element<S> {
    type Value = Option<S::Value>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute with vr and Value")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut inner, mut value) = (Some(self.inner), None);
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match inner.take_if(|_| key.eq_ignore_ascii_case("Value")) {
                Some(inner) => value = Some(map.next_value_seed(inner)?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(value)
    }
}

/// The first value of an array as text; a value that stands without an array counts as the first.
struct First;

impl<'de> DeserializeSeed<'de> for First {
    type Value = Option<String>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<String>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for First {
    type Value = Option<String>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok((text.len() <= Item::URL_MAX).then(|| text.into()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Option<String>, E> {
        Ok(None)
    }
    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<String>, A::Error> {
        let first = seq.next_element_seed(First)?.flatten();
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer_and_skips_what_is_not_asked() {
        let text = br#"{"00081190":{"vr":"UR","Value":["http://pacs/studies/1"]},"00400275":{"vr":"SQ","Value":[{"a":[[[{}]]]}]},
            "00081199":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2"]},"00081155":{"vr":"UI","Value":["1.2.3"]},
                "00081196":{"vr":"US","Value":[45056]},"00081190":{"Value":["http://pacs/i"]}}]},
            "0008119a":{"vr":"SQ","Value":[{"00081197":{"vr":"US","Value":[272]}}, null]},
            "00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.4\u0000"]},"00081197":{"vr":"US","Value":["42752"]}}]}}"#;
        let items = parse(text).unwrap();
        let [answer] = items.as_slice() else { panic!("{items:?}") };
        let stored = answer.stored.as_ref().unwrap();
        assert_eq!(stored[0].referenced.as_ref().unwrap().as_str(), "1.2.3");
        assert_eq!((stored[0].warning, stored[0].retrieve_url.as_deref()), (Some(0xB000), Some("http://pacs/i")));
        let failed = answer.failed.as_ref().unwrap();
        assert_eq!((failed[0].referenced.as_ref().unwrap().as_str(), failed[0].reason), ("1.2.4", Some(0xA700)));
        assert_eq!(answer.other_failures.as_ref().unwrap()[0].reason, Some(0x0110));
    }

    #[test]
    fn oddities_are_taken_and_nonsense_is_refused() {
        let check =
            |text: &str, expected: Option<usize>| assert_eq!(parse(text.as_bytes()).ok().map(|items| items.len()), expected, "{text}");
        check("{}", Some(1));
        check("[]", Some(0));
        check("[{},null,{}]", Some(2));
        check("null", Some(0));
        check(r#"{"00081199":{"vr":"SQ"}}"#, Some(1));
        check(r#"{"00081199":null}"#, Some(1));
        check(r#"{"00081155":{"Value":"1.2"}}"#, Some(1));
        check("", None);
        check("{", None);
        check("{} trailing", None);
        check("12", None);
        check(r#"{"00081199":{"Value":[{}"#, None);
        check(&"[".repeat(100_000), None);
        check(&format!("{{\"x\":{}{}}}", "[".repeat(90), "]".repeat(90)), Some(1));
    }
}
