//! The Native DICOM Model (PS3.19 A.1), which some servers answer with: a small bounded reader for its few elements.
//!
//! `<NativeDicomModel><DicomAttribute tag="00081199" vr="SQ"><Item number="1"><DicomAttribute tag="00081155" …><Value number="1">…`.
//! Name space prefixes are ignored, comments, declarations and processing instructions skipped, a document type with entities refused.

use super::item::{Attribute, Item};

/// Why a text is no Native DICOM Model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("the XML is cut off or malformed")]
    Malformed,
    #[error("the XML is no DICOM model")]
    NotDicom,
    #[error("the XML is nested too deeply")]
    TooDeep,
    #[error("the XML declares entities")]
    Entities,
}

const DEEPEST: usize = 64;

/// Reads all data sets of an answer.
pub(crate) fn parse(text: &str) -> Result<Vec<Item>, XmlError> {
    let mut reader = Reader { rest: text };
    let mut builder = Builder::default();
    while let Some(token) = reader.next()? {
        match token {
            Token::Open { name, attributes, closed } => {
                builder.open(name, attributes)?;
                if closed {
                    builder.close(name)?;
                }
            }
            Token::Close { name } => builder.close(name)?,
            Token::Text(text) => builder.text(text),
        }
    }
    if !builder.open.is_empty() {
        return Err(XmlError::Malformed);
    }
    if !builder.is_dicom {
        return Err(XmlError::NotDicom);
    }
    Ok(builder.done)
}

enum Token<'a> {
    Open { name: &'a str, attributes: &'a str, closed: bool },
    Close { name: &'a str },
    Text(&'a str),
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, XmlError> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let Some(markup) = self.rest.strip_prefix('<') else {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Ok(Some(Token::Text(text)));
            };
            if let Some(comment) = markup.strip_prefix("!--") {
                self.skip(comment, "-->")?;
            } else if let Some(text) = markup.strip_prefix("![CDATA[") {
                let end = text.find("]]>").ok_or(XmlError::Malformed)?;
                self.rest = &text[end + 3..];
                return Ok(Some(Token::Text(&text[..end])));
            } else if let Some(instruction) = markup.strip_prefix('?') {
                self.skip(instruction, "?>")?;
            } else if markup.starts_with('!') {
                if markup.split('>').next().is_some_and(|declaration| declaration.contains('[')) {
                    return Err(XmlError::Entities);
                }
                self.skip(markup, ">")?;
            } else {
                return self.tag(markup).map(Some);
            }
        }
    }

    fn skip(&mut self, from: &'a str, end: &str) -> Result<(), XmlError> {
        let at = from.find(end).ok_or(XmlError::Malformed)?;
        self.rest = &from[at + end.len()..];
        Ok(())
    }

    fn tag(&mut self, markup: &'a str) -> Result<Token<'a>, XmlError> {
        let end = end_of_tag(markup).ok_or(XmlError::Malformed)?;
        self.rest = &markup[end + 1..];
        let inside = &markup[..end];
        if let Some(name) = inside.strip_prefix('/') {
            return Ok(Token::Close { name: local(name.trim()) });
        }
        let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, attributes) = inside.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((inside, ""));
        Ok(Token::Open { name: local(name), attributes, closed })
    }
}

/// Where the `>` of a tag stands, quotes taken into account.
fn end_of_tag(markup: &str) -> Option<usize> {
    let mut quote = None;
    markup.bytes().position(|byte| match quote {
        Some(open) => {
            if byte == open {
                quote = None;
            }
            false
        }
        None if matches!(byte, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        None => byte == b'>',
    })
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The value of `tag="…"`.
fn tag_attribute(attributes: &str) -> Option<&str> {
    let mut rest = attributes;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, next) = after[1..].split_once(quote)?;
        if name.trim() == "tag" {
            return Some(value);
        }
        rest = next;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Element {
    Model,
    Attribute(Option<Attribute>),
    Item,
    Value,
    Other,
}

/// Builds data sets from the elements met.
#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    /// The data set being read and the items being read inside it.
    sets: Vec<Item>,
    value: String,
    done: Vec<Item>,
    is_dicom: bool,
}

impl Builder {
    fn open(&mut self, name: &str, attributes: &str) -> Result<(), XmlError> {
        if self.open.len() >= DEEPEST {
            return Err(XmlError::TooDeep);
        }
        let element = match name {
            "NativeDicomModel" => Element::Model,
            "DicomAttribute" => Element::Attribute(tag_attribute(attributes).and_then(Attribute::of)),
            "Item" => Element::Item,
            "Value" => Element::Value,
            _ => Element::Other,
        };
        match element {
            Element::Model => {
                self.is_dicom = true;
                self.sets.push(Item { is_dicom: true, ..Item::default() });
            }
            Element::Item => self.sets.push(Item::default()),
            // an empty sequence is still a sequence
            Element::Attribute(Some(attribute)) if attribute.is_sequence() && self.sets.len() == 1 => {
                self.sets[0].sequence(attribute);
            }
            Element::Attribute(_) | Element::Value | Element::Other => self.value.clear(),
        }
        self.open.push(element);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.open.last() == Some(&Element::Value) && self.value.len() + text.len() <= 4 * Item::URL_MAX {
            self.value.push_str(text);
        }
    }

    fn close(&mut self, name: &str) -> Result<(), XmlError> {
        let element = self.open.pop().ok_or(XmlError::Malformed)?;
        let fits = match element {
            Element::Model => name == "NativeDicomModel",
            Element::Attribute(_) => name == "DicomAttribute",
            Element::Item => name == "Item",
            Element::Value => name == "Value",
            Element::Other => true,
        };
        if !fits {
            return Err(XmlError::Malformed);
        }
        match element {
            Element::Value => {
                if let (Some(Element::Attribute(Some(attribute))), Some(set)) = (self.open.last(), self.sets.last_mut()) {
                    set.set(*attribute, &unescaped(&self.value));
                }
                self.value.clear();
            }
            Element::Item => self.item_ended(),
            Element::Model => {
                if let Some(set) = self.sets.pop()
                    && self.done.len() < Item::MOST
                {
                    self.done.push(set);
                }
            }
            Element::Attribute(_) | Element::Other => {}
        }
        Ok(())
    }

    /// Puts a finished item into the sequence it stands in; items of other or deeper sequences are not wanted.
    fn item_ended(&mut self) {
        let Some(item) = self.sets.pop() else { return };
        let (Some(Element::Attribute(Some(attribute))), [top]) = (self.open.last(), self.sets.as_mut_slice()) else { return };
        if let Some(sequence) = top.sequence(*attribute)
            && sequence.len() < Item::MOST
        {
            sequence.push(item);
        }
    }
}

/// The five predefined entities; others stay as they are (no value that is read may hold one).
fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.trim().into();
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&").trim().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?><!-- answer --><dcm:NativeDicomModel xmlns:dcm="x" xml:space="preserve">
            <DicomAttribute keyword="RetrieveURL" tag="00081190" vr="UR"><Value number="1">http://pacs/?a=1&amp;b=2</Value></DicomAttribute>
            <DicomAttribute tag='00081199' vr='SQ'><Item number="1">
                <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.3</Value><Value number="2">9</Value></DicomAttribute>
                <DicomAttribute tag="00081198" vr="SQ"><Item><DicomAttribute tag="00081155"><Value>6.6</Value></DicomAttribute></Item></DicomAttribute>
            </Item></DicomAttribute>
            <DicomAttribute tag="00081198" vr="SQ"><Item number="1"><DicomAttribute tag="00081155"><Value>1.2.4</Value></DicomAttribute>
                <DicomAttribute tag="00081197" vr="US"><Value number="1">49152</Value></DicomAttribute></Item></DicomAttribute>
            <DicomAttribute tag="0008119A" vr="SQ"/>
            </dcm:NativeDicomModel>"#;
        let items = parse(text).unwrap();
        let [answer] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(answer.retrieve_url.as_deref(), Some("http://pacs/?a=1&b=2"));
        let [stored] = answer.stored.as_deref().unwrap() else { panic!("{answer:?}") };
        assert_eq!(stored.referenced.as_ref().unwrap().as_str(), "1.2.3");
        let [failed] = answer.failed.as_deref().unwrap() else { panic!("{answer:?}") };
        assert_eq!((failed.referenced.as_ref().unwrap().as_str(), failed.reason), ("1.2.4", Some(0xC000)));
        assert_eq!(answer.other_failures.as_deref(), Some(&[][..]));
    }

    #[test]
    fn what_is_none_is_refused() {
        let check = |text: &str, expected| assert_eq!(parse(text).err(), Some(expected), "{text:.60}");
        check("<html><body><h1>Sign in</h1></body></html>", XmlError::NotDicom);
        check("<NativeDicomModel><DicomAttribute tag='00081199'>", XmlError::Malformed);
        check("<NativeDicomModel></Item>", XmlError::Malformed);
        check("</a>", XmlError::Malformed);
        check("<a", XmlError::Malformed);
        check("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", XmlError::Entities);
        check(&"<Item>".repeat(100_000), XmlError::TooDeep);
    }
}
