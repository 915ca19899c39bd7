//! Structured reports (PS3.3 A.35, C.17.3) as text that people read: headings and paragraphs, in the order of the content tree.

use super::data_set::DataSet;

/// Longest text taken over, in characters.
const MAX_TEXT: usize = 50_000;
/// Containers within containers.
const MAX_DEPTH: usize = 16;

const CHARACTER_SET: u32 = 0x0008_0005;
const CODE_VALUE: u32 = 0x0008_0100;
const CODE_SCHEME: u32 = 0x0008_0102;
const CODE_MEANING: u32 = 0x0008_0104;
const RELATIONSHIP: u32 = 0x0040_A010;
const VALUE_TYPE: u32 = 0x0040_A040;
const CONCEPT_NAME: u32 = 0x0040_A043;
const VERIFYING_OBSERVERS: u32 = 0x0040_A073;
const VERIFYING_OBSERVER_NAME: u32 = 0x0040_A075;
const AUTHORS: u32 = 0x0040_A078;
const DATE_TIME: u32 = 0x0040_A120;
const DATE: u32 = 0x0040_A121;
const TIME: u32 = 0x0040_A122;
const PERSON_NAME: u32 = 0x0040_A123;
const TEXT: u32 = 0x0040_A160;
const CONCEPT_CODE: u32 = 0x0040_A168;
const MEASURED: u32 = 0x0040_A300;
const NUMBER: u32 = 0x0040_A30A;
const UNITS: u32 = 0x0040_08EA;
const CONTENT: u32 = 0x0040_A730;

/// Person Observer Name (DCM 121008).
const OBSERVER: &str = "121008";
/// Titles (DCM codes) of what is no radiologist's report though it may come as one: key objects and manifests, CAD results, doses.
const NO_REPORTS: [&str; 12] = [
    "113000", "113001", "113002", "113003", "113004", "113005", // key object selections
    "113030", // manifest
    "111036", "112000", "112220", // mammography, chest and colon CAD
    "113701", "113500", // X-ray and radiopharmaceutical dose
];

/// One report's text in the character set that it declares.
pub(super) struct Structured<'a> {
    set: &'a DataSet<'a>,
    character_sets: Option<&'a [u8]>,
}

/// What is gathered on the way through the tree.
#[derive(Default)]
struct Writing {
    lines: Vec<String>,
    length: usize,
    observer: Option<String>,
}

impl<'a> Structured<'a> {
    pub(super) fn new(set: &'a DataSet<'a>) -> Self {
        Self { set, character_sets: set.bytes(CHARACTER_SET) }
    }

    /// Whether its title says that it is something else than a report.
    pub(super) fn is_no_report(&self) -> bool {
        let title = self.set.items(CONCEPT_NAME).first();
        title.is_some_and(|title| {
            let dcm = title.plain(CODE_SCHEME).as_deref() == Some("DCM");
            dcm && title.plain(CODE_VALUE).is_some_and(|code| NO_REPORTS.contains(&code.as_str()))
        })
    }

    /// What it says, and who says it: who verified it, else who observed, else who wrote.
    pub(super) fn read(&self) -> (String, Option<String>) {
        let mut writing = Writing::default();
        for item in self.set.items(CONTENT) {
            self.item(item, 0, "", &mut writing);
        }
        let named = |sequence, tag| self.set.items(sequence).first().and_then(|item| self.name(item, tag));
        let who = named(VERIFYING_OBSERVERS, VERIFYING_OBSERVER_NAME).or(writing.observer.take()).or_else(|| named(AUTHORS, PERSON_NAME));
        (writing.text(), who)
    }

    fn item(&self, item: &DataSet<'a>, depth: usize, heading: &str, writing: &mut Writing) {
        let kind = item.plain(VALUE_TYPE).unwrap_or_default();
        let name = item.items(CONCEPT_NAME).first().and_then(|code| self.text(code, CODE_MEANING)).unwrap_or_default();
        if matches!(item.plain(RELATIONSHIP).as_deref(), Some("HAS OBS CONTEXT" | "HAS CONCEPT MOD" | "HAS ACQ CONTEXT")) {
            let observes = item.items(CONCEPT_NAME).first().and_then(|code| code.plain(CODE_VALUE)).as_deref() == Some(OBSERVER);
            if observes && writing.observer.is_none() {
                writing.observer = self.name(item, PERSON_NAME);
            }
            return;
        }
        let value = match kind.as_str() {
            "TEXT" => self.text(item, TEXT),
            "CODE" => item.items(CONCEPT_CODE).first().and_then(|code| self.text(code, CODE_MEANING)),
            "NUM" => self.number(item),
            "PNAME" => self.name(item, PERSON_NAME),
            "DATE" => item.plain(DATE).map(|date| spaced_date(&date)),
            "TIME" => item.plain(TIME),
            "DATETIME" => item.plain(DATE_TIME).map(|time| spaced_date(&time)),
            _ => None,
        };
        let under = match value {
            Some(value) => {
                writing.value(depth, heading, &name, &value);
                heading
            }
            None if kind == "CONTAINER" && !name.is_empty() => {
                writing.heading(depth, &name);
                name.as_str()
            }
            None => heading,
        };
        if depth < MAX_DEPTH {
            for inner in item.items(CONTENT) {
                self.item(inner, depth + 1, under, writing);
            }
        }
    }

    fn number(&self, item: &DataSet<'a>) -> Option<String> {
        let measured = item.items(MEASURED).first()?;
        let number = measured.plain(NUMBER)?;
        let unit = measured.items(UNITS).first().and_then(|unit| unit.plain(CODE_VALUE).filter(|code| code != "1"));
        Some(unit.map_or(number.clone(), |unit| format!("{number} {unit}")))
    }

    /// A person's name: the first group, in the order in which it is spoken of.
    fn name(&self, item: &DataSet<'a>, tag: u32) -> Option<String> {
        person(&self.text(item, tag)?)
    }

    fn text(&self, item: &DataSet<'a>, tag: u32) -> Option<String> {
        let text = relaypacs_dicom::decode_text(self.character_sets, item.bytes(tag)?).replace("\r\n", "\n").replace('\r', "\n");
        let text: String = text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

impl Writing {
    fn heading(&mut self, depth: usize, name: &str) {
        if depth == 0 && !self.lines.is_empty() {
            self.line(String::new());
        }
        self.line(format!("{}:", name.trim_end_matches(':')));
    }

    /// A value: under its own name as heading at the top, alone where its heading says what it is already, else after its name.
    fn value(&mut self, depth: usize, heading: &str, name: &str, value: &str) {
        let (above, own) = (heading.to_lowercase(), name.to_lowercase());
        let said = own.is_empty() || above.contains(&own) || (!above.is_empty() && own.contains(&above));
        if depth == 0 && !name.is_empty() {
            self.heading(0, name);
            self.line(value.to_owned());
        } else if said {
            self.line(value.to_owned());
        } else {
            self.line(format!("{name}: {value}"));
        }
    }

    fn line(&mut self, line: String) {
        self.length += line.chars().count() + 1;
        if self.length <= MAX_TEXT {
            self.lines.push(line);
        }
    }

    fn text(self) -> String {
        self.lines.join("\n").trim().to_owned()
    }
}

/// A name of the form Family^Given^Middle^Prefix^Suffix as it is spoken.
pub(super) fn person(value: &str) -> Option<String> {
    let mut groups = value.split('=').map(str::trim).filter(|group| !group.is_empty());
    let parts: Vec<&str> = groups.next()?.split('^').map(str::trim).collect();
    let part = |index: usize| parts.get(index).copied().filter(|part| !part.is_empty());
    let spoken: Vec<&str> = [part(3), part(1), part(2), part(0), part(4)].into_iter().flatten().collect();
    (!spoken.is_empty()).then(|| spoken.join(" "))
}

/// `YYYYMMDD…` as `YYYY-MM-DD…`.
fn spaced_date(value: &str) -> String {
    match (value.get(..4), value.get(4..6), value.get(6..8)) {
        (Some(year), Some(month), Some(day)) if value.bytes().take(8).all(|c| c.is_ascii_digit()) => {
            let time = match (value.get(8..10), value.get(10..12)) {
                (Some(hour), Some(minute)) => format!(" {hour}:{minute}"),
                _ => String::new(),
            };
            format!("{year}-{month}-{day}{time}")
        }
        _ => value.to_owned(),
    }
}
