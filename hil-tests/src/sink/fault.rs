//! Faults: what goes wrong, and how often.
//!
//! | fault | strikes | what happens |
//! |---|---|---|
//! | `fail:A700` | part | the instance is in FailedSOPSequence with this reason (hex), not stored |
//! | `unlisted` | part | not stored and in neither list |
//! | `stored-unlisted` | part | stored, in neither list |
//! | `listed-not-stored` | part | listed as stored, but thrown away |
//! | `alter` | part | one byte changed before it is stored |
//! | `status:503` | request | body read, nothing stored, this status; `retry-after=S` adds the header |
//! | `early:413` | request | answers before the body and closes |
//! | `empty` | request | 200, nothing stored, both lists empty |
//! | `html` | request | 200 with a log-in page, nothing stored |
//! | `no-body` | request | stored, 200 without a body |
//! | `cut-answer` | request | stored, the answer breaks off half way |
//! | `stall:S` | request | stored, answers after S seconds |
//! | `stall-read:S` | request | reads nothing for S seconds |
//! | `reset-after:BYTES` | request | TCP reset after that many bytes of body |
//! | `reset-answer` | request | stored, TCP reset instead of an answer |
//! | `crash-after:K` | request | 500 with a stack trace after K parts, which stay stored |
//! | `limit:BYTES` | lasting | 413 for longer bodies |
//! | `slow:KBIT` | lasting | all connections together receive this many kbit/s |
//! | `qido:404` | lasting | QIDO and WADO answer this status |
//!
//! `every=N`, `skip=N` and `times=N` count parts or requests; `sticky`: an instance once struck is struck again; `study=UID`: only requests to
//! this study's URL count.

use std::collections::HashSet;

const PER_PART: [&str; 5] = ["fail", "unlisted", "stored-unlisted", "listed-not-stored", "alter"];
const LASTING: [&str; 3] = ["slow", "limit", "qido"];
const PER_REQUEST: [&str; 10] =
    ["status", "early", "empty", "html", "no-body", "cut-answer", "stall", "stall-read", "reset-after", "reset-answer"];

/// One fault.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) retry_after: Option<String>,
    /// As it was given.
    pub(super) spec: String,
    every: u64,
    skip: u64,
    times: u64,
    seen: u64,
    sticky: bool,
    study: Option<String>,
    struck: HashSet<String>,
}

impl Fault {
    pub(super) fn parse(spec: &str) -> Result<Self, String> {
        let mut parts = spec.split(',');
        let first = parts.next().unwrap_or_default();
        let (name, value) = first.split_once(':').unwrap_or((first, ""));
        if !PER_PART.contains(&name) && !LASTING.contains(&name) && !PER_REQUEST.contains(&name) && name != "crash-after" {
            return Err(format!("no fault is called {name:?}"));
        }
        let mut fault = Self {
            name: name.into(),
            value: value.into(),
            retry_after: None,
            spec: spec.into(),
            every: 1,
            skip: 0,
            times: u64::MAX,
            seen: 0,
            sticky: false,
            study: None,
            struck: HashSet::new(),
        };
        for part in parts {
            let wrong = || format!("fault {spec:?}: {part:?} is not understood");
            let count = |v: &str| v.parse::<u64>().map_err(|_| wrong());
            match part.split_once('=') {
                Some(("every", v)) => fault.every = count(v)?.max(1),
                Some(("skip", v)) => fault.skip = count(v)?,
                Some(("times", v)) => fault.times = count(v)?,
                Some(("study", v)) => fault.study = Some(v.into()),
                Some(("retry-after", v)) => fault.retry_after = Some(v.into()),
                None if part == "sticky" => fault.sticky = true,
                _ => return Err(wrong()),
            }
        }
        Ok(fault)
    }

    pub(super) fn number(&self) -> u64 {
        self.value.parse().unwrap_or(0)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.value.parse().unwrap_or(1.0)
    }

    /// A failure reason, in hexadecimal.
    pub(super) fn code(&self) -> u16 {
        u16::from_str_radix(&self.value, 16).unwrap_or(0x0110)
    }

    /// Whether it strikes this time.
    fn strikes(&mut self, sop: &str) -> bool {
        if self.struck.contains(sop) {
            return true;
        }
        self.seen += 1;
        let Some(since) = self.seen.checked_sub(self.skip + 1) else { return false };
        let strikes = since % self.every == 0 && since / self.every < self.times;
        if strikes && self.sticky {
            self.struck.insert(sop.into());
        }
        strikes
    }
}

/// All faults in force.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn parse(specs: &[String]) -> Result<Self, String> {
        specs.iter().map(|s| Fault::parse(s)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn specs(&self) -> Vec<&str> {
        self.0.iter().map(|f| f.spec.as_str()).collect()
    }

    pub(super) fn standing(&self, name: &str) -> Option<Fault> {
        self.0.iter().find(|f| f.name == name).cloned()
    }

    /// What strikes this request, to the URL of `study`.
    pub(super) fn strike_request(&mut self, study: Option<&str>) -> Vec<Fault> {
        let meant = |fault: &Fault| fault.study.is_none() || fault.study.as_deref() == study;
        self.strike("", |fault| !PER_PART.contains(&fault.name.as_str()) && !LASTING.contains(&fault.name.as_str()) && meant(fault))
    }

    /// Whether this part's bytes are changed on their way in.
    pub(super) fn strike_alter(&mut self) -> bool {
        !self.strike("", |fault| fault.name == "alter").is_empty()
    }

    /// What strikes this instance.
    pub(super) fn strike_instance(&mut self, sop: &str) -> Option<Fault> {
        self.strike(sop, |fault| PER_PART.contains(&fault.name.as_str()) && fault.name != "alter").into_iter().next()
    }

    fn strike(&mut self, sop: &str, wanted: impl Fn(&Fault) -> bool) -> Vec<Fault> {
        self.0.iter_mut().filter(|f| wanted(f)).filter_map(|f| f.strikes(sop).then(|| f.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spec: &str, sops: &[&str], expected: &[bool]) {
        let mut fault = Fault::parse(spec).unwrap();
        let struck: Vec<bool> = sops.iter().map(|sop| fault.strikes(sop)).collect();
        assert_eq!(struck, expected, "{spec}");
    }

    #[test]
    fn faults_strike_as_often_as_they_say() {
        let six = ["a", "b", "c", "d", "e", "f"];
        check("fail:A700", &six, &[true; 6]);
        check("fail:A700,every=3", &six, &[true, false, false, true, false, false]);
        check("fail:A700,skip=1,times=2", &six, &[false, true, true, false, false, false]);
        check("fail:A700,times=1,sticky", &["a", "b", "a"], &[true, false, true]);
    }

    #[test]
    fn misspelt_faults_are_refused() {
        for spec in ["fial:A700", "fail:A700,evry=2", "fail:A700,every=x"] {
            assert!(Fault::parse(spec).is_err(), "{spec}");
        }
    }
}
