//! A client of the upload API: whole uploads in chunks, again and again until they are through.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    appliance::Appliance,
    part10::Object,
    web::{Answer, Web},
};

/// A password that keeps the rules.
pub const PASSWORD: &str = "Correct-Horse-7";
/// Bytes of a chunk: the smallest there is, so that few files are many chunks.
pub const CHUNK: usize = 512 << 10;

/// Makes an account over the command line.
pub fn add_user(appliance: &Appliance, name: &str, role: &str) {
    let mut command =
        appliance.command(&["user", "add", name, "--role", role, "--email", &format!("{name}@clinic.example"), "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the built program");
    child.stdin.take().expect("piped").write_all(format!("{PASSWORD}\n").as_bytes()).expect("it reads a line");
    assert!(child.wait().expect("it ends").success(), "an account for {name}");
}

/// Signs in; gives the access token.
pub fn sign_in(web: &Web, name: &str) -> String {
    let answer =
        web.try_ask("POST", "/api/v1/auth/login", &JSON, json!({"username": name, "password": PASSWORD}).to_string()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A file to be sent.
pub struct UploadFile {
    /// Its name in the upload.
    pub id: String,
    /// All of it.
    pub bytes: Vec<u8>,
    /// SOP Instance UID and SHA-256 of the data set.
    pub entry: (String, String),
}

impl UploadFile {
    /// Of an object.
    pub fn of(id: impl Into<String>, object: &Object) -> Self {
        Self { id: id.into(), bytes: object.file.clone(), entry: (object.meta.instance.clone(), object.sha256()) }
    }

    fn chunks(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..).zip(self.bytes.chunks(CHUNK))
    }
}

/// An upload under way.
pub struct Upload<'w> {
    web: &'w Web,
    /// Its name.
    pub id: String,
    token: String,
    /// Chunks that were acknowledged, by file.
    pub acknowledged: BTreeMap<String, BTreeSet<u32>>,
}

impl<'w> Upload<'w> {
    /// Begins one. `more`: further members of the request.
    pub fn begin(web: &'w Web, access: &str, files: &[UploadFile], more: &Value) -> Self {
        let answer = Self::try_begin(web, access, files, more).expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text());
        Self::of(web, &answer.json())
    }

    /// Asks for one; `None`: no answer.
    pub fn try_begin(web: &Web, access: &str, files: &[UploadFile], more: &Value) -> Option<Answer> {
        let mut body = json!({
            "study_metadata": {"patient_name": "UPLOAD^TEST", "study_date": "2026-01-15", "modality": "CT", "service_level": "emergency"},
            "total_files": files.len(),
            "total_size_bytes": files.iter().map(|file| file.bytes.len()).sum::<usize>(),
            "files": files.iter().map(|file| json!({"file_id": file.id, "name": file.id, "size": file.bytes.len()})).collect::<Vec<_>>(),
            "chunk_size": CHUNK,
            "force_upload": true,
        });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let bearer = format!("Bearer {access}");
        web.try_ask("POST", "/api/v1/upload/init", &[JSON[0], ("authorization", &bearer)], body.to_string())
    }

    /// From the answer to the request that began it.
    pub fn of(web: &'w Web, begun: &Value) -> Self {
        let text = |name: &str| begun[name].as_str().expect("the contract's members").to_owned();
        Self { web, id: text("upload_id"), token: text("upload_token"), acknowledged: BTreeMap::new() }
    }

    /// A call of this upload; `None`: no answer.
    pub fn ask(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Option<Answer> {
        self.web.try_ask(method, &format!("/api/v1/upload/{}{path}", self.id), &[("x-upload-token", &self.token)], body)
    }

    /// Sends a chunk once; whether it was acknowledged. A box that starts or is full is asked again later.
    pub fn send(&mut self, file: &UploadFile, index: u32, bytes: &[u8]) -> bool {
        let answer = self.ask("PUT", &format!("/chunk?chunk_index={index}&file_id={}", file.id), bytes);
        let Some(answer) = answer.filter(|answer| !matches!(answer.status, 503 | 507)) else { return false };
        assert_eq!(answer.status, 200, "chunk {index} of {}: {}", file.id, answer.text());
        self.acknowledged.entry(file.id.clone()).or_default().insert(index);
        true
    }

    /// Sends all that was not acknowledged, again and again until `deadline`.
    pub fn send_all(&mut self, files: &[UploadFile], deadline: Instant) {
        for file in files {
            for (index, bytes) in file.chunks() {
                if self.acknowledged.get(&file.id).is_some_and(|known| known.contains(&index)) {
                    continue;
                }
                while !self.send(file, index, bytes) {
                    assert!(Instant::now() < deadline, "the box does not come back");
                    sleep(Duration::from_millis(50));
                }
            }
        }
    }

    /// What the box says is there.
    pub fn received(&self) -> BTreeMap<String, BTreeSet<u32>> {
        let status = self.ask("GET", "/status", "").expect("an answer").json();
        let files = status["files"].as_object().expect("files by name").iter();
        let numbers =
            |value: &Value| value["received_chunks"].as_array().into_iter().flatten().filter_map(|n| n.as_u64()?.try_into().ok()).collect();
        files.map(|(id, file)| (id.clone(), numbers(file))).collect()
    }

    /// Panics when something that was acknowledged is not there.
    pub fn assert_keeps(&self) {
        let received = self.received();
        for (file, chunks) in &self.acknowledged {
            let there = received.get(file).cloned().unwrap_or_default();
            let lost: Vec<_> = chunks.difference(&there).collect();
            assert!(lost.is_empty(), "upload {}: chunks {lost:?} of {file} were acknowledged and are lost", self.id);
        }
    }

    /// Completes it, again and again until `deadline`; the answer.
    pub fn complete(&self, deadline: Instant) -> Value {
        loop {
            match self.ask("POST", "/complete", "") {
                Some(answer) if answer.status == 200 => return answer.json(),
                Some(answer) if ![202, 503].contains(&answer.status) => panic!("complete: {} {}", answer.status, answer.text()),
                _ => {}
            }
            assert!(Instant::now() < deadline, "the completion does not end");
            sleep(Duration::from_millis(50));
        }
    }
}
