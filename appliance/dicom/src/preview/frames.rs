//! The bytes of one frame.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::{
    MAX_FRAME_BYTES, PreviewError,
    layout::{Layout, Pixels},
};

/// Most fragments that are looked at.
const MAX_FRAGMENTS: usize = 1 << 20;
const ITEM: u32 = 0xFFFE_E000;
const SEQUENCE_DELIMITER: u32 = 0xFFFE_E0DD;

/// A fragment of encapsulated pixels: bytes of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fragment {
    /// Where its item begins, from the first fragment's item on.
    item: u64,
    offset: u64,
    len: u32,
}

/// Reads frame `frame`, which the image has.
pub(super) fn read(file: &mut BufReader<impl Read + Seek>, layout: &Layout, frame: u32) -> Result<Vec<u8>, PreviewError> {
    match layout.pixels {
        Pixels::Native { offset, len } => native(file, layout, frame, offset, len),
        Pixels::Encapsulated { offset } => encapsulated(file, layout, frame, offset),
    }
}

fn native(file: &mut BufReader<impl Read + Seek>, layout: &Layout, frame: u32, offset: u64, len: u64) -> Result<Vec<u8>, PreviewError> {
    let pixels = u64::from(layout.rows) * u64::from(layout.columns);
    let samples = if layout.photometric == "YBR_FULL_422" { 2 } else { u64::from(layout.samples) };
    let bytes = pixels * samples * u64::from(layout.bits_allocated / 8);
    let end = (u64::from(frame) + 1).checked_mul(bytes).filter(|end| *end <= len);
    let end = end.ok_or(PreviewError::Broken("it has fewer pixels than its header says"))?;
    file.seek(SeekFrom::Start(offset + end - bytes))?;
    exactly(file, bytes)
}

fn encapsulated(file: &mut BufReader<impl Read + Seek>, layout: &Layout, frame: u32, offset: u64) -> Result<Vec<u8>, PreviewError> {
    file.seek(SeekFrom::Start(offset))?;
    let (tag, len) = item(file)?;
    if tag != ITEM || len % 4 != 0 || u64::from(len) > 4 * MAX_FRAGMENTS as u64 {
        return Err(PreviewError::Broken("its pixels do not begin with an offset table"));
    }
    let table = exactly(file, len.into())?;
    let table: Vec<u64> = table.as_chunks::<4>().0.iter().map(|entry| u64::from(u32::from_le_bytes(*entry))).collect();
    let fragments = fragments(file, offset + 8 + u64::from(len))?;
    let of_frame = which(&fragments, &table, layout.frames, frame)?;
    let bytes: u64 = of_frame.iter().map(|fragment| u64::from(fragment.len)).sum();
    if bytes > MAX_FRAME_BYTES {
        return Err(PreviewError::TooBig);
    }
    let mut whole = Vec::with_capacity(bytes as usize);
    for fragment in of_frame {
        file.seek(SeekFrom::Start(fragment.offset))?;
        whole.extend(exactly(file, fragment.len.into())?);
    }
    Ok(whole)
}

/// All fragments; the first item is at `offset`.
fn fragments(file: &mut BufReader<impl Read + Seek>, offset: u64) -> Result<Vec<Fragment>, PreviewError> {
    let mut found = Vec::new();
    let mut at = offset;
    loop {
        match item(file) {
            Ok((ITEM, len)) => {
                found.push(Fragment { item: at - offset, offset: at + 8, len });
                at += 8 + u64::from(len);
                file.seek_relative(len.into())?;
            }
            Ok((SEQUENCE_DELIMITER, _)) => return Ok(found),
            Ok(_) => return Err(PreviewError::Broken("its pixels hold something else than fragments")),
            Err(PreviewError::Io(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof && !found.is_empty() => return Ok(found),
            Err(other) => return Err(other),
        }
        if found.len() > MAX_FRAGMENTS {
            return Err(PreviewError::TooBig);
        }
    }
}

/// The fragments of a frame (PS3.5 A.4): all of a single one, else as the table says, else one each.
fn which<'f>(fragments: &'f [Fragment], table: &[u64], frames: u32, frame: u32) -> Result<&'f [Fragment], PreviewError> {
    if frames == 1 {
        return Ok(fragments);
    }
    if let Some(start) = table.get(frame as usize) {
        let end = table.get(frame as usize + 1).copied().unwrap_or(u64::MAX);
        let first = fragments.partition_point(|fragment| fragment.item < *start);
        let last = fragments.partition_point(|fragment| fragment.item < end);
        if first < last {
            return fragments.get(first..last).ok_or(PreviewError::Broken("its offset table is wrong"));
        }
        return Err(PreviewError::Broken("its offset table is wrong"));
    }
    match fragments.get(frame as usize..frame as usize + 1) {
        Some(one) if fragments.len() == frames as usize => Ok(one),
        _ => Err(PreviewError::Broken("it does not say where its frames begin")),
    }
}

fn item(file: &mut impl Read) -> Result<(u32, u32), PreviewError> {
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let tag = u32::from(u16::from_le_bytes([head[0], head[1]])) << 16 | u32::from(u16::from_le_bytes([head[2], head[3]]));
    Ok((tag, u32::from_le_bytes([head[4], head[5], head[6], head[7]])))
}

/// So many bytes; memory is taken as they come.
fn exactly(file: &mut impl Read, len: u64) -> Result<Vec<u8>, PreviewError> {
    if len > MAX_FRAME_BYTES {
        return Err(PreviewError::TooBig);
    }
    let mut bytes = Vec::new();
    if file.take(len).read_to_end(&mut bytes)? as u64 == len {
        Ok(bytes)
    } else {
        Err(PreviewError::Broken("it ends before its pixels do"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_by_table_or_by_number() {
        let fragments: Vec<Fragment> =
            [0_u64, 100, 200, 300].iter().map(|item| Fragment { item: *item, offset: item + 8, len: 92 }).collect();
        let of = |table: &[u64], frames, frame| which(&fragments, table, frames, frame).map(<[Fragment]>::len).ok();
        assert_eq!(of(&[], 1, 0), Some(4));
        assert_eq!(of(&[], 4, 2), Some(1));
        assert_eq!(of(&[0, 100, 300], 3, 1), Some(2));
        assert_eq!(of(&[0, 100, 300], 3, 2), Some(1));
        assert_eq!(of(&[], 3, 0), None);
        assert_eq!(of(&[900, 800], 2, 0), None);
    }
}
