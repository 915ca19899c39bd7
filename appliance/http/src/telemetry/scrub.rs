//! What may leave the box in a report of an error: what failed and where in the code. An allow-list: every field that is not rebuilt here is
//! left out (headers, bodies, addresses, user names, breadcrumbs, variables, the machine's name).
//!
//! Texts are kept, since they say what failed, without what could be a patient's or a secret: names as DICOM writes them, runs of
//! capitalised words, quotations, UIDs, addresses, ids, file names and long numbers.

use std::borrow::Cow;

use sentry::protocol::{Context, Event, Exception, Frame, Map, Mechanism, Request, Stacktrace, Url, User};

/// Most of everything.
const EXCEPTIONS: usize = 8;
const FRAMES: usize = 100;
const TEXT: usize = 500;
const NAME: usize = 200;
/// The tags that leave, all of the box's own making.
const TAGS: [&str; 8] = ["part", "build", "arch", "method", "route", "status", "trace_id", "upload"];

/// An event as it may leave.
pub(super) fn event(event: Event<'static>) -> Event<'static> {
    let mut tags: Map<String, String> = event.tags;
    tags.retain(|name, _| TAGS.contains(&name.as_str()));
    let mut contexts = event.contexts;
    contexts.retain(|_, context| matches!(context, Context::Os(_)));
    Event {
        event_id: event.event_id,
        timestamp: event.timestamp,
        level: event.level,
        platform: Cow::Owned(identifier(&event.platform)),
        release: event.release.map(|release| Cow::Owned(identifier(&release))),
        environment: event.environment,
        exception: event.exception.values.into_iter().take(EXCEPTIONS).map(exception).collect::<Vec<_>>().into(),
        request: event.request.and_then(|request| request.url).map(|url| Request { url: page(&url), ..Request::default() }),
        // Ids are random; who it is stands in the box alone.
        user: event
            .user
            .and_then(|user| user.id)
            .filter(|id| uuid::Uuid::parse_str(id).is_ok())
            .map(|id| User { id: Some(id), ..User::default() }),
        tags,
        contexts,
        sdk: event.sdk.map(|sdk| {
            let mut sdk = sdk.into_owned();
            (sdk.name, sdk.version) = (identifier(&sdk.name), identifier(&sdk.version));
            (sdk.integrations, sdk.packages) = (Vec::new(), Vec::new());
            Cow::Owned(sdk)
        }),
        ..Event::default()
    }
}

fn exception(exception: Exception) -> Exception {
    Exception {
        ty: identifier(&exception.ty),
        value: exception.value.map(|value| text(&value)),
        stacktrace: exception.stacktrace.map(stacktrace),
        mechanism: exception.mechanism.map(|mechanism| Mechanism {
            ty: identifier(&mechanism.ty),
            handled: mechanism.handled,
            ..Mechanism::default()
        }),
        ..Exception::default()
    }
}

fn stacktrace(stacktrace: Stacktrace) -> Stacktrace {
    let skipped = stacktrace.frames.len().saturating_sub(FRAMES);
    // The last frame is the innermost.
    Stacktrace { frames: stacktrace.frames.into_iter().skip(skipped).map(frame).collect(), ..Stacktrace::default() }
}

fn frame(frame: Frame) -> Frame {
    let code = |text: Option<String>| text.map(|text| text.chars().take(NAME).collect::<String>());
    let file = frame.filename.as_deref().map(script);
    Frame {
        abs_path: file.as_deref().filter(|file| file.starts_with("/assets/")).map(|file| format!("app://{file}")),
        filename: file,
        function: code(frame.function),
        module: code(frame.module),
        lineno: frame.lineno,
        colno: frame.colno,
        in_app: frame.in_app,
        ..Frame::default()
    }
}

/// A source file; of the page's scripts the path alone: neither the clinic's host name nor a query.
fn script(file: &str) -> String {
    let path = match file.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => file,
    };
    path.split(['?', '#']).next().unwrap_or_default().chars().take(NAME).collect()
}

/// Which page it was, never of whom: `/studies/1.2.3?q=x` is `/studies/<id>`.
fn page(url: &Url) -> Option<Url> {
    let mut parts = url.path().split('/').skip(1);
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    let first: String = first.chars().filter(|c| c.is_ascii_lowercase() || *c == '-').take(32).collect();
    let item = if second.is_some() { "/-" } else { "" };
    Url::parse(&format!("app:///{first}{item}")).ok()
}

/// A word of code: letters, digits and the marks of names, versions and paths.
fn identifier(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "._-:@/<>+ ".contains(*c)).take(NAME).collect()
}

/// A text without what could be somebody's.
pub(super) fn text(text: &str) -> String {
    let unquoted = without_quotations(text);
    let words: Vec<&str> = unquoted.split_whitespace().take(TEXT).collect();
    let mut kept: Vec<Cow<'_, str>> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let names = names_at(&words[at..]);
        if names > 0 {
            kept.push("<name>".into());
            at += names;
        } else {
            kept.push(word(words[at]));
            at += 1;
        }
    }
    kept.join(" ").chars().take(TEXT).collect()
}

/// Quotations, open ones up to the end, as `<text>`.
fn without_quotations(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut inside: Option<char> = None;
    let mut before = ' ';
    for c in text.chars() {
        match inside {
            Some(end) if c == end => inside = None,
            Some(_) => {}
            None => match closing(c).filter(|_| c != '\'' || !before.is_alphanumeric()) {
                Some(end) => {
                    inside = Some(end);
                    kept.push_str("<text>");
                }
                None => kept.push(c),
            },
        }
        before = c;
    }
    kept
}

const fn closing(opening: char) -> Option<char> {
    Some(match opening {
        '"' => '"',
        '\'' => '\'',
        '`' => '`',
        '“' | '„' => '”',
        '‘' => '’',
        '«' => '»',
        _ => return None,
    })
}

/// How many of the next words are somebody's name: one with `^` and the capitalised ones behind it, `Doe, Jane`, or `JANE DOE`.
fn names_at(words: &[&str]) -> usize {
    let is_capitalised = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let is_shouted = |word: &str| {
        let letters = word.trim_matches(|c: char| !c.is_alphanumeric());
        letters.chars().count() > 1 && letters.chars().all(|c| c.is_uppercase() || c == '-')
    };
    let Some(first) = words.first() else { return 0 };
    let behind = |most: usize| words[1..].iter().take(most).take_while(|word| is_capitalised(word)).count();
    if first.contains('^') {
        return 1 + behind(4);
    }
    if is_capitalised(first) && first.ends_with(',') && behind(1) == 1 {
        return 2;
    }
    let shouted = words.iter().take_while(|word| is_shouted(word)).count();
    if shouted > 1 { shouted } else { 0 }
}

/// One word, or what stands for it.
fn word(word: &str) -> Cow<'_, str> {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = core.chars().filter(char::is_ascii_digit).count();
    let is_dotted = core.matches('.').count() >= 3 && core.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_address = core.matches(':').count() >= 2 && core.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
    let lower = core.to_ascii_lowercase();
    let is_file = [".dcm", ".zip", ".ima", ".img"].iter().any(|ending| lower.ends_with(ending));
    if is_dotted || is_address {
        "<uid>".into()
    } else if core.contains('@') {
        "<address>".into()
    } else if uuid::Uuid::parse_str(core).is_ok() {
        "<id>".into()
    } else if is_file {
        "<file>".into()
    } else if digits >= 4 {
        numbers(word).into()
    } else {
        word.into()
    }
}

/// Runs of four digits or more, dots and dashes between them included, as `<n>`.
fn numbers(word: &str) -> String {
    let mut kept = String::new();
    let mut run = String::new();
    for c in word.chars().chain([' ']) {
        if c.is_ascii_digit() || (!run.is_empty() && ".-".contains(c)) {
            run.push(c);
            continue;
        }
        let digits = run.chars().filter(char::is_ascii_digit).count();
        kept.push_str(if digits >= 4 { "<n>" } else { &run });
        run.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}
