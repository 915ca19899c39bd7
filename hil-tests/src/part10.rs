//! What `blast` and `stow_sink` share: Part-10 headers, a bounded UID scan, SHA-256 as hex, command-line options.
use sha2::{Digest, Sha256};

/// Any error that ends one connection or one request.
pub type Fail<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Value that follows `--name`, or `default`.
pub fn option(args: &[String], name: &str, default: &str) -> String {
    args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).cloned().unwrap_or_else(|| default.into())
}

/// Every value given to a repeatable `--name`.
pub fn options(args: &[String], name: &str) -> Vec<String> {
    args.windows(2).filter(|w| w[0] == name).map(|w| w[1].clone()).collect()
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A UID or code as text, without its padding.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches(['\0', ' ']).to_string()
}

/// JSON string escaping for the few strings that come from outside.
pub fn json(s: &str) -> String {
    s.chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if (c as u32) < 32 => format!("\\u{:04x}", c as u32),
            c => c.into(),
        })
        .collect()
}

/// The file meta group of a Part-10 file and where its data set starts (PS3.10 §7.1).
#[derive(Default, Clone, Debug)]
pub struct Meta {
    pub class: String,
    pub instance: String,
    pub syntax: String,
    pub body: usize,
    /// Where the value of (0002,0003) lies, to rewrite it in place.
    pub instance_at: (usize, usize),
}

/// `None`: not a Part-10 file. `Some(Err(n))`: at least `n` bytes are needed to tell.
pub fn meta(b: &[u8]) -> Option<Result<Meta, usize>> {
    if b.len() < 144 {
        return if b.len() >= 132 && &b[128..132] != b"DICM" { None } else { Some(Err(144)) };
    }
    if &b[128..136] != b"DICM\x02\0\0\0" {
        return None;
    }
    let length = u32::from_le_bytes(b[140..144].try_into().unwrap()) as usize;
    if length > 1 << 20 {
        return None;
    }
    let end = 144 + length;
    if b.len() < end {
        return Some(Err(end));
    }
    let (mut m, mut i) = (Meta { body: end, ..Meta::default() }, 144);
    while i + 8 <= end {
        let long = matches!(&b[i + 4..i + 6], b"OB" | b"UN" | b"OW" | b"SQ" | b"UT");
        if long && i + 12 > end {
            return None;
        }
        let (head, length) = if long {
            (12, u32::from_le_bytes(b[i + 8..i + 12].try_into().unwrap()) as usize)
        } else {
            (8, u16::from_le_bytes([b[i + 6], b[i + 7]]) as usize)
        };
        let value = b.get(i + head..i + head + length)?;
        match u16::from_le_bytes([b[i + 2], b[i + 3]]) {
            2 => m.class = text(value),
            3 => {
                m.instance = text(value);
                m.instance_at = (i + head, length)
            }
            0x10 => m.syntax = text(value),
            _ => {}
        }
        i += head + length;
    }
    Some(Ok(m))
}

/// Top-level UIDs of a data set: (tag, value offset, value length) of SOP instance, study and series.
/// Looks only at the bytes given; deflated data sets give nothing.
pub fn uids(b: &[u8], syntax: &str) -> Vec<((u16, u16), usize, usize)> {
    let big = syntax == "1.2.840.10008.1.2.2";
    let implicit = matches!(syntax, "1.2.840.10008.1.2" | "1.2.840.113619.5.2");
    let mut found = vec![];
    if syntax == "1.2.840.10008.1.2.1.99" {
        return found;
    }
    let u16at = |i: usize| {
        let v = [b[i], b[i + 1]];
        if big { u16::from_be_bytes(v) } else { u16::from_le_bytes(v) }
    };
    let u32at = |i: usize| {
        let v = [b[i], b[i + 1], b[i + 2], b[i + 3]];
        if big { u32::from_be_bytes(v) } else { u32::from_le_bytes(v) }
    };
    let (mut i, mut depth) = (0usize, 0usize);
    while i + 12 <= b.len() && found.len() < 3 {
        let tag = (u16at(i), u16at(i + 2));
        if tag.0 == 0xFFFE {
            // item, end of item, end of sequence: only inside undefined lengths
            let length = u32at(i + 4);
            if tag.1 == 0xE0DD {
                depth = depth.saturating_sub(1)
            }
            i += 8 + if tag.1 == 0xE000 && length != u32::MAX { length as usize } else { 0 };
            continue;
        }
        let long = !implicit
            && matches!(
                &b[i + 4..i + 6],
                b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"SQ" | b"UN" | b"UT" | b"UC" | b"UR" | b"SV" | b"UV"
            );
        let (head, length) = if implicit {
            (8, u32at(i + 4))
        } else if long {
            (12, u32at(i + 8))
        } else {
            (8, u16at(i + 6) as u32)
        };
        if length == u32::MAX {
            if tag == (0x7FE0, 0x0010) {
                break;
            }
            depth += 1;
            i += head;
            continue;
        }
        let at = i + head;
        if depth == 0 && matches!(tag, (8, 0x18) | (0x20, 0x0D) | (0x20, 0x0E)) && at + length as usize <= b.len() {
            found.push((tag, at, length as usize));
        }
        i = at + length as usize;
    }
    found
}
