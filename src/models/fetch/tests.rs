//! Fetching from a server on this machine, which does what a test tells it to.

use std::io::Write as _;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::super::folder::digits;
use super::*;
use crate::net::HttpClient;

/// What the server does with a request. Each ends the connection, but those that hang.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Sends what is asked for.
    Well,
    /// The same, but knows no ranges.
    WithoutRanges,
    /// Announces all and sends so much.
    Cut(usize),
    /// Sends the range from another byte on.
    Beside,
    /// Refuses.
    Refuse(&'static str),
    /// Says nothing.
    Hang,
    /// Sends so much, and nothing more.
    HangAfter(usize),
    /// Announces a byte too many.
    AnnounceMore,
    /// Announces nothing, and sends twice as much.
    SendMore,
}

/// An archive, and a folder into which it is fetched.
struct Place {
    archive: Vec<u8>,
    build: Build,
    folder: TempDir,
}

/// Its requests, as they came.
type Asked = Arc<Mutex<Vec<String>>>;

const WANTED: &[u8] = b"the weights of a very small network";

impl Place {
    fn new() -> Self {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in [("a/README", &b"not wanted"[..]), ("a/tiny.onnx", WANTED)] {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        // So that it comes in many pieces.
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file("a/rest", stored).unwrap();
        writer.write_all(&[7; 200_000]).unwrap();
        let archive = writer.finish().unwrap().into_inner();
        let hash = |bytes: &[u8]| digits(Sha256::new_with_prefix(bytes));
        let build = Build {
            platform: None,
            file: "tiny-1.onnx".to_owned(),
            size: WANTED.len() as u64,
            sha256: hash(WANTED),
            archive: Archive {
                url: "https://nobody.test/files/tiny.zip".to_owned(),
                member: "a/tiny.onnx".to_owned(),
                size: archive.len() as u64,
                sha256: hash(&archive),
            },
        };
        Self { archive, build, folder: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> Folder {
        Folder::at(self.folder.path().join("models"))
    }

    fn fetcher(&self, base: &str) -> Fetcher {
        let piece = Duration::from_millis(300);
        let limits = FetchLimits { head: piece, piece, whole: Duration::from_secs(60) };
        let http = Arc::new(HttpClient::new().unwrap());
        Fetcher::new(http, self.folder()).from_mirror(base).unwrap().with_limits(limits)
    }

    /// Fetches from a server that does this, one after the other.
    async fn pull(&self, does: &[Does]) -> (Result<PathBuf, FetchError>, Vec<String>) {
        let (base, asked) = serve(self.archive.clone(), does).await;
        let pulled = self.fetcher(&base).pull(&self.build, |_| {}).await;
        let asked = asked.lock().unwrap().clone();
        (pulled, asked)
    }

    fn presence(&self) -> Presence {
        self.folder().presence(&self.build)
    }

    /// Puts so much of the archive there, as a fetch does that was stopped.
    fn begin(&self, bytes: &[u8]) {
        fs::create_dir_all(self.folder().path()).unwrap();
        fs::write(self.folder().partial(&self.build), bytes).unwrap();
    }

    /// It is there, and nothing beside it.
    fn assert_there(&self, pulled: Result<PathBuf, FetchError>) {
        assert_eq!(fs::read(pulled.unwrap()).unwrap(), WANTED);
        let files: Vec<_> = fs::read_dir(self.folder().path()).unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
    }
}

/// Serves one connection for each of `does`. The server ends with the test.
async fn serve(archive: Vec<u8>, does: &[Does]) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/mirror/", listener.local_addr().unwrap());
    let asked = Asked::default();
    let (does, log) = (does.to_vec(), Arc::clone(&asked));
    tokio::spawn(async move {
        let mut open = Vec::new();
        for what in does {
            let (mut socket, _) = listener.accept().await.unwrap();
            let request = read_head(&mut socket).await;
            log.lock().unwrap().push(request.clone());
            answer(&mut socket, &archive, &request, what).await;
            if matches!(what, Does::Hang | Does::HangAfter(_)) {
                open.push(socket);
            }
        }
        // Those that hang are held until the test is over.
        std::future::pending::<()>().await;
        drop(open);
    });
    (base, asked)
}

async fn read_head(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        assert!(socket.read_buf(&mut read).await.unwrap() > 0, "the client is gone");
    }
    String::from_utf8(read).unwrap().to_lowercase()
}

async fn answer(socket: &mut TcpStream, archive: &[u8], request: &str, does: Does) {
    let range =
        request.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-'));
    let from = range.map_or(0, |from| from.parse().unwrap());
    let all = archive.len();
    let whole = |length: usize| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")
    };
    let part = |from: usize| {
        format!(
            "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\n\
             content-range: bytes {from}-{}/{all}\r\nconnection: close\r\n\r\n",
            all - from,
            all - 1
        )
    };
    let (head, body) = match does {
        Does::Well if range.is_some() => (part(from), archive[from..].to_vec()),
        Does::Well | Does::WithoutRanges => (whole(all), archive.to_vec()),
        Does::Cut(at) | Does::HangAfter(at) => (whole(all), archive[..at].to_vec()),
        Does::Beside => (part(from + 1), archive[from + 1..].to_vec()),
        Does::Refuse(status) => (
            format!("HTTP/1.1 {status}\r\ncontent-length: 7\r\nconnection: close\r\n\r\n"),
            b"because".to_vec(),
        ),
        Does::Hang => (String::new(), Vec::new()),
        Does::AnnounceMore => (whole(all + 1), archive.to_vec()),
        Does::SendMore => {
            ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned(), [archive, archive].concat())
        }
    };
    // A client that has enough goes away.
    let _gone = socket.write_all(head.as_bytes()).await;
    let _gone = socket.write_all(&body).await;
    if !matches!(does, Does::Hang | Does::HangAfter(_)) {
        let _gone = socket.shutdown().await;
    }
}

#[tokio::test]
async fn a_model_is_fetched_once() {
    let place = Place::new();
    let (pulled, asked) = place.pull(&[Does::Well]).await;
    place.assert_there(pulled);
    assert!(asked[0].starts_with("get /mirror/tiny.zip http/1.1"), "{asked:?}");
    assert!(!asked[0].contains("range:"), "{asked:?}");
    let (pulled, asked) = place.pull(&[]).await;
    place.assert_there(pulled);
    assert_eq!(asked.len(), 0, "it was there");
}

#[tokio::test]
async fn progress_is_told_from_the_first_byte_to_the_last() {
    let place = Place::new();
    place.begin(&place.archive[..1_000]);
    let (base, _) = serve(place.archive.clone(), &[Does::Well]).await;
    let mut seen = Vec::new();
    place.fetcher(&base).pull(&place.build, |progress| seen.push(progress)).await.unwrap();
    let size = place.archive.len() as u64;
    assert_eq!(seen[0], Progress { done: 1_000, size });
    assert_eq!(seen[seen.len() - 1], Progress { done: size, size });
    assert!(seen.is_sorted_by_key(|progress| progress.done));
}

#[tokio::test]
async fn after_a_cut_it_goes_on_where_it_was() {
    let place = Place::new();
    let (pulled, _) = place.pull(&[Does::Cut(70_000)]).await;
    let told = pulled.unwrap_err().to_string();
    assert!(told.contains("try again"), "{told}");
    assert_eq!(place.presence(), Presence::Begun(70_000));
    let (pulled, asked) = place.pull(&[Does::Well]).await;
    assert!(asked[0].contains("\r\nrange: bytes=70000-\r\n"), "{asked:?}");
    place.assert_there(pulled);
}

#[tokio::test]
async fn a_server_that_cannot_go_on_sends_all() {
    for does in [
        &[Does::WithoutRanges][..],
        &[Does::Refuse("416 Range Not Satisfiable"), Does::Well],
        &[Does::Beside, Does::Well],
    ] {
        let place = Place::new();
        place.begin(&place.archive[..5_000]);
        let (pulled, asked) = place.pull(does).await;
        place.assert_there(pulled);
        assert!(asked[0].contains("range: bytes=5000-"), "{does:?}: {asked:?}");
        assert!(asked.iter().skip(1).all(|asked| !asked.contains("range:")), "{asked:?}");
    }
}

#[tokio::test]
async fn what_is_something_else_is_thrown_away() {
    let other = vec![7; Place::new().archive.len()];
    let place = Place { archive: other, ..Place::new() };
    let (pulled, _) = place.pull(&[Does::Well]).await;
    let told = pulled.unwrap_err().to_string();
    assert!(told.contains("its hash is another") && told.contains("thrown away"), "{told}");
    assert_eq!(place.presence(), Presence::Missing);

    // What was begun is of another archive.
    let place = Place::new();
    place.begin(&[7; 5_000]);
    let (pulled, _) = place.pull(&[Does::Well]).await;
    assert!(matches!(pulled, Err(FetchError::Wrong { .. })), "{pulled:?}");
    let (pulled, asked) = place.pull(&[Does::Well]).await;
    assert!(!asked[0].contains("range:"), "it begins anew");
    place.assert_there(pulled);
}

#[tokio::test]
async fn a_member_that_is_missing_or_another_gets_no_name() {
    type Change = fn(&mut Build);
    let changes: [(Change, &str); 4] = [
        (|build| build.archive.member = "a/none".to_owned(), "not found"),
        (|build| build.archive.member = "a/README".to_owned(), "a/README in it is another"),
        (|build| build.sha256 = "0".repeat(64), "a/tiny.onnx in it is another"),
        (|build| build.size -= 1, "a/tiny.onnx in it is another"),
    ];
    for (change, why) in changes {
        let mut place = Place::new();
        change(&mut place.build);
        let (pulled, _) = place.pull(&[Does::Well]).await;
        let told = pulled.unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
        assert_eq!(fs::read_dir(place.folder().path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn more_than_there_should_be_is_not_taken() {
    for does in [Does::AnnounceMore, Does::SendMore] {
        let place = Place::new();
        let (pulled, _) = place.pull(&[does]).await;
        let told = pulled.unwrap_err().to_string();
        assert!(told.contains("it is too long"), "{does:?}: {told}");
        assert_eq!(place.presence(), Presence::Missing);
    }
    let place = Place::new();
    place.begin(&vec![0; place.archive.len() + 1]);
    let (pulled, asked) = place.pull(&[Does::Well]).await;
    assert!(matches!(pulled, Err(FetchError::Wrong { .. })) && asked.is_empty(), "{pulled:?}");
    assert_eq!(place.presence(), Presence::Missing);
}

#[tokio::test]
async fn a_refusal_is_told_and_what_is_there_is_kept() {
    let place = Place::new();
    place.begin(&place.archive[..5_000]);
    let (pulled, asked) = place.pull(&[Does::Refuse("404 Not Found")]).await;
    let told = pulled.unwrap_err().to_string();
    assert!(told.contains("404") && told.contains("because"), "{told}");
    assert_eq!((place.presence(), asked.len()), (Presence::Begun(5_000), 1));
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for() {
    for (does, kept) in
        [(Does::Hang, Presence::Missing), (Does::HangAfter(9_000), Presence::Begun(9_000))]
    {
        let place = Place::new();
        let (pulled, _) = place.pull(&[does]).await;
        assert!(matches!(pulled, Err(FetchError::Net(NetError::TimedOut { .. }))), "{pulled:?}");
        assert_eq!(place.presence(), kept);
    }
}

#[tokio::test]
async fn all_of_it_has_a_limit_too() {
    let place = Place::new();
    let (base, _) = serve(place.archive.clone(), &[Does::HangAfter(9_000)]).await;
    let (long, whole) = (Duration::from_secs(60), Duration::from_millis(300));
    let fetcher = place.fetcher(&base).with_limits(FetchLimits { head: long, piece: long, whole });
    let pulled = fetcher.pull(&place.build, |_| {}).await;
    assert!(matches!(pulled, Err(FetchError::Slow { .. })), "{pulled:?}");
    assert_eq!(place.presence(), Presence::Begun(9_000));
}

#[tokio::test]
async fn of_two_at_once_one_is_refused() {
    let place = Place::new();
    let (base, _) = serve(place.archive.clone(), &[Does::HangAfter(9_000)]).await;
    let (told, mut first) = mpsc::channel(100);
    let one = place.fetcher(&base);
    let one = one.pull(&place.build, move |progress| {
        let _full = told.try_send(progress);
    });
    let other = async {
        first.recv().await;
        place.fetcher(&base).pull(&place.build, |_| {}).await
    };
    let (one, other) = tokio::join!(one, other);
    assert!(matches!(other, Err(FetchError::Busy(_))), "{other:?}");
    assert!(matches!(one, Err(FetchError::Net(_))), "{one:?}");
    let (pulled, _) = place.pull(&[Does::Well]).await;
    place.assert_there(pulled);
}

#[tokio::test]
async fn one_that_is_dropped_leaves_what_it_has() {
    let place = Place::new();
    let (base, _) = serve(place.archive.clone(), &[Does::HangAfter(9_000)]).await;
    let (told, mut seen) = mpsc::channel(100);
    {
        let fetcher = place.fetcher(&base);
        let pull = fetcher.pull(&place.build, move |progress| {
            let _full = told.try_send(progress);
        });
        let stopped =
            async { while seen.recv().await.is_some_and(|progress| progress.done < 9_000) {} };
        tokio::select! {
            pulled = pull => panic!("{pulled:?}"),
            () = stopped => {}
        }
    }
    assert_eq!(place.presence(), Presence::Begun(9_000));
    let (pulled, _) = place.pull(&[Does::Well]).await;
    place.assert_there(pulled);
}

#[tokio::test]
async fn a_broken_file_is_replaced() {
    let place = Place::new();
    fs::create_dir_all(place.folder().path()).unwrap();
    fs::write(place.folder().file(&place.build), "broken").unwrap();
    let (pulled, _) = place.pull(&[Does::Well]).await;
    place.assert_there(pulled);
}

#[tokio::test]
async fn what_cannot_be_fetched_says_what_to_do() {
    let place = Place::new();
    let told = |error: FetchError| error.to_string();
    let http = Arc::new(HttpClient::new().unwrap());
    for base in ["ftp://here", "here", "http://me:hush@here", "http://here?hush"] {
        let nowhere = Fetcher::new(http.clone(), place.folder()).from_mirror(base).unwrap_err();
        assert!(matches!(nowhere, FetchError::Source(_)), "{nowhere:?}");
        assert!(!told(nowhere).contains("hush"));
    }
    let file = place.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let in_a_file = Fetcher::new(http, Folder::at(file)).pull(&place.build, |_| {}).await;
    let told = told(in_a_file.unwrap_err());
    assert!(told.contains("set BANTER_MODELS"), "{told}");
}
