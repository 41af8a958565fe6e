//! What a name stands for, opened once: stdin or a file, unpacked where gzip packed it. A format reads it from its start as often as it
//! needs to.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use crc32fast::Hasher;
use flate2::bufread::GzDecoder;

use super::embedded;
use crate::error::{Error, Result, closest_path, shown, suggestion};
use crate::files::{self, Identity};
use crate::memory;
use crate::name;

/// What can be read from any place.
pub(super) trait Source: Read + Seek + Send {}
impl<S: Read + Seek + Send> Source for S {}

/// The bytes of a source, none of which is read but the first.
#[derive(Clone)]
pub(super) struct Input {
    /// As the user wrote it.
    source: String,
    content: Content,
    is_packed: bool,
    /// The first bytes, unpacked, which tell the format.
    pub(super) beginning: Vec<u8>,
}

#[derive(Clone)]
enum Content {
    /// With the checksum of its bytes, once all of them were read in order.
    File(Arc<File>, Identity, Arc<OnceLock<u32>>),
    Memory(Shared),
}

/// Bytes that several readers share.
#[derive(Clone)]
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Input {
    /// Bytes that tell the format.
    const BEGINNING: u64 = 8;

    /// The input of this name: stdin (`-`), which is read to its end, or a file, whatever arrays of it are named with it.
    ///
    /// # Errors
    /// Data, if there is no such file, or it cannot be opened, or its gzip is damaged at its beginning; limit, if there is no memory for
    /// what can be read only once.
    pub(super) fn of(source: &str) -> Result<Self> {
        if source == "-" {
            files::note_stdin();
            let content = Content::held(source, &mut io::stdin().lock())?;
            return Self::new(source, content);
        }
        let file = file_of(source);
        let path = &*name::path(file);
        if path.is_dir() {
            return Err(Error::Data(format!("{} is a folder; name a file in it", shown(file))));
        }
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => unknown(file),
            _ => Error::reading(path, &error),
        };
        let mut opened = files::open(path).map_err(unreadable)?;
        let metadata = opened.metadata().map_err(unreadable)?;
        let content = if metadata.is_file() {
            Content::File(Arc::new(opened), Identity::of(&metadata), Arc::default())
        } else {
            Content::held(file, &mut opened)?
        };
        Self::new(source, content)
    }

    /// The input of these bytes.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(super) fn of_bytes(source: &str, bytes: Vec<u8>) -> Result<Self> {
        Self::new(source, Content::Memory(Shared(Arc::new(bytes))))
    }

    fn new(source: &str, content: Content) -> Result<Self> {
        let mut input = Self { source: source.to_owned(), content, is_packed: false, beginning: Vec::new() };
        input.beginning = input.first_bytes()?;
        if input.beginning.starts_with(GZIP) {
            input.is_packed = true;
            input.beginning = input.first_bytes()?;
            if input.beginning.starts_with(GZIP) {
                return Err(Error::Data(format!("{}: it was packed by gzip twice; unpack it once", shown(source))));
            }
        }
        Ok(input)
    }

    fn first_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader()?.take(Self::BEGINNING).read_to_end(&mut bytes).map_err(|error| self.unreadable(&error))?;
        Ok(bytes)
    }

    /// As the user wrote it.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The file, without the arrays that are named with it.
    pub(super) fn file(&self) -> &str {
        file_of(&self.source)
    }

    /// The arrays of an archive that are named with it.
    pub(super) fn arrays(&self) -> Vec<String> {
        let arrays = named(&self.source).map_or(Vec::new(), |(_, arrays)| arrays);
        arrays.into_iter().map(str::to_owned).collect()
    }

    /// Whether gzip packed it.
    pub(super) fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// What tells, later, whether the file is still the same; none for what is in memory.
    pub(super) fn witness(&self) -> Option<Witness> {
        match &self.content {
            Content::File(file, identity, _) => {
                Some(Witness { source: self.source.clone(), file: Arc::clone(file), identity: *identity })
            }
            Content::Memory(_) => None,
        }
    }

    /// Its bytes from the first on, unpacked.
    ///
    /// # Errors
    /// Data, if it cannot be read.
    pub(super) fn reader(&self) -> Result<Reader> {
        /// Bytes that are read at a time where less is asked for.
        const BUFFER: usize = 1 << 18;
        let taken = Rc::new(Cell::new(0));
        let length = self.content.length();
        let sum = match &self.content {
            Content::File(.., sum) => Some((Hasher::new(), Arc::clone(sum))),
            Content::Memory(_) => None,
        };
        let raw = Counted { input: self.content.at_start(), taken: Rc::clone(&taken), sum };
        let raw = BufReader::with_capacity(BUFFER, raw);
        let input: Box<dyn Read> =
            if self.is_packed { Box::new(Unpacked::new(raw, unpacked_bound(length))) } else { Box::new(raw) };
        Ok(Reader { input, is_packed: self.is_packed, taken, length })
    }

    /// How many bytes [`reader`](Self::reader) gives; of what is packed they are counted.
    ///
    /// # Errors
    /// Data, if it cannot be read.
    pub(super) fn length(&self) -> Result<u64> {
        if !self.is_packed {
            return Ok(self.content.length());
        }
        io::copy(&mut self.reader()?, &mut io::sink()).map_err(|error| self.unreadable(&error))
    }

    /// The same bytes, to be read from any place; what is packed is unpacked into memory.
    ///
    /// # Errors
    /// Data, if it cannot be read; limit, if there is no memory for what is unpacked.
    pub(super) fn seekable(&mut self) -> Result<Box<dyn Source>> {
        if self.is_packed {
            // What it needs is counted first: only then is it known that it is no bomb.
            let length = self.length()?;
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(|_| {
                let source = shown(&self.source);
                Error::Limit(format!("{source}: there is no memory for the {length} bytes that it unpacks to"))
            })?;
            self.reader()?.read_to_end(&mut bytes).map_err(|error| self.unreadable(&error))?;
            (self.content, self.is_packed) = (Content::Memory(Shared(Arc::new(bytes))), false);
        }
        Ok(self.content.at_start())
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        Error::reading(&name::path(if self.source == "-" { "stdin" } else { self.file() }), error)
    }
}

impl Content {
    /// All that there is to read of what cannot be read twice.
    fn held(source: &str, input: &mut dyn Read) -> Result<Self> {
        let source = if source == "-" { "stdin" } else { source };
        /// Bytes for which memory is asked at a time.
        const PIECE: usize = 16 << 20;
        let mut bytes = Vec::new();
        let failed = |error: io::Error| Error::reading(&name::path(source), &error);
        // A list that grows may be there twice for a moment.
        while input.take(PIECE as u64).read_to_end(&mut bytes).map_err(failed)? == PIECE {
            if !memory::is_there((bytes.len() + 2 * PIECE) as u128) {
                return Err(failed(io::ErrorKind::OutOfMemory.into()));
            }
        }
        Ok(Self::Memory(Shared(Arc::new(bytes))))
    }

    /// Its bytes, packed or not.
    fn length(&self) -> u64 {
        match self {
            Self::File(_, identity, _) => identity.length,
            Self::Memory(bytes) => bytes.0.len() as u64,
        }
    }

    /// The same from its start; one reader does not move another.
    fn at_start(&self) -> Box<dyn Source> {
        match self {
            Self::File(file, identity, _) => Box::new(Placed { file: Arc::clone(file), place: 0, length: identity.length }),
            Self::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
        }
    }
}

/// A file with a place of its own in it.
struct Placed {
    file: Arc<File>,
    place: u64,
    length: u64,
}

impl Read for Placed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.file).seek(SeekFrom::Start(self.place))?;
        let count = (&*self.file).read(buffer)?;
        self.place += count as u64;
        Ok(count)
    }
}

impl Seek for Placed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.place.checked_add_signed(offset),
        };
        self.place = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}

/// A file as it was when it was opened.
pub(super) struct Witness {
    source: String,
    file: Arc<File>,
    pub(super) identity: Identity,
}

impl Witness {
    /// Refuses a file that was written since.
    ///
    /// # Errors
    /// Data.
    pub(super) fn check(&self) -> Result<()> {
        let now = self.file.metadata().map(|metadata| Identity::of(&metadata));
        if now.is_ok_and(|now| now == self.identity) { Ok(()) } else { Err(changed(&self.source)) }
    }
}

/// The error for a source that is not what it was.
pub(super) fn changed(source: &str) -> Error {
    Error::Data(format!("{}: changed while it was read; read it again when nothing writes it", shown(source)))
}

/// Bytes from the first on.
pub(super) struct Reader {
    input: Box<dyn Read>,
    is_packed: bool,
    taken: Rc<Cell<u64>>,
    length: u64,
}

impl Reader {
    /// Unpacks what is left, if it is packed, to see whether it is a bomb or damaged.
    pub(super) fn look_to_the_end(&mut self) -> io::Result<()> {
        if self.is_packed { io::copy(&mut self.input, &mut io::sink()).map(drop) } else { Ok(()) }
    }

    /// The share of the source, from 0 to 1, that was read so far, about.
    pub(super) fn share(&self) -> f64 {
        if self.length == 0 { 1.0 } else { (self.taken.get() as f64 / self.length as f64).min(1.0) }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

/// An input whose bytes are counted as they are read. Those of a file are the same each time that it is read to its end, or it is an error.
struct Counted {
    input: Box<dyn Source>,
    taken: Rc<Cell<u64>>,
    sum: Option<(Hasher, Arc<OnceLock<u32>>)>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.taken.set(self.taken.get() + count as u64);
        if let Some((hasher, first)) = &mut self.sum {
            hasher.update(&buffer[..count]);
            let is_end = count == 0 && !buffer.is_empty();
            if is_end && *first.get_or_init(|| hasher.clone().finalize()) != hasher.clone().finalize() {
                return Err(io::Error::other("it changed while it was read; read it again when nothing writes it"));
            }
        }
        Ok(count)
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];

/// The most bytes that `packed` bytes of gzip may unpack to: real data seldom packs below a hundredth.
pub(super) fn unpacked_bound(packed: u64) -> u64 {
    /// Bytes that anything may unpack to.
    const SMALL: u64 = 32 << 20;
    SMALL.saturating_add(packed.saturating_mul(100))
}

/// What gzip packed, in one member or several, perhaps with zeros behind them as tapes have. It fails past its bound: a bomb.
struct Unpacked<R> {
    /// The member that is read; none after the last one.
    member: Option<GzDecoder<R>>,
    left: u64,
}

impl<R: BufRead> Unpacked<R> {
    fn new(input: R, bound: u64) -> Self {
        Self { member: Some(GzDecoder::new(input)), left: bound }
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let damaged = |error: io::Error| {
            io::Error::new(error.kind(), format!("its gzip is cut short or damaged ({error}); fetch or pack it again"))
        };
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            let count = member.read(buffer).map_err(damaged)?;
            if count > 0 || buffer.is_empty() {
                self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
                    io::Error::other(
                        "its gzip unpacks to more than a hundred times as much, as only a bomb does; unpack it yourself if it is meant",
                    )
                })?;
                return Ok(count);
            }
            let mut rest = self.member.take().expect("the member above").into_inner();
            loop {
                let bytes = rest.fill_buf()?;
                let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
                if bytes.is_empty() {
                    return Ok(0);
                }
                if zeros == 0 {
                    break;
                }
                rest.consume(zeros);
            }
            self.member = Some(GzDecoder::new(rest));
        }
    }
}

/// The file and the arrays that `FILE.npz:ARRAY` or `FILE.npz:INPUTS,LABELS` names; none where the text names just a file.
pub(super) fn named(source: &str) -> Option<(&str, Vec<&str>)> {
    let (file, arrays) = source.rsplit_once(':')?;
    let is_npz = Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"));
    (is_npz && !name::path(source).exists()).then(|| (file, arrays.split(',').collect()))
}

/// The file that a source names, whatever arrays of it are named with it.
pub(super) fn file_of(source: &str) -> &str {
    named(source).map_or(source, |(file, _)| file)
}

/// The error for a name that is neither a file nor an embedded set, with the closest name of both.
fn unknown(source: &str) -> Error {
    let file = closest_path(&name::path(source)).map(|path| name::text(path.as_os_str()).into_owned());
    let mut known: Vec<&str> = embedded::names().collect();
    known.extend(file.as_deref());
    Error::Data(format!(
        "'{}' is neither a file nor an embedded data set{}; the embedded sets are {}",
        shown(source),
        suggestion(source, known),
        embedded::names().collect::<Vec<_>>().join(", ")
    ))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;

    /// A file of this name and content in a fresh folder, which lives as long as the first part.
    pub(in crate::data) fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path.to_str().unwrap().to_owned())
    }

    pub(in crate::data) fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What a file of these bytes is read as.
    fn bytes_of(bytes: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let (_folder, path) = file("a.csv.gz", bytes);
        let input = Input::of(&path).map_err(|error| error.to_string())?;
        let mut read = Vec::new();
        let mut reader = input.reader().unwrap();
        reader.read_to_end(&mut read).map_err(|error| input.unreadable(&error).to_string())?;
        assert_eq!((reader.share(), input.length().unwrap()), (1.0, read.len() as u64));
        Ok(read)
    }

    #[test]
    fn gzip_is_told_by_its_first_bytes_whatever_its_members_and_zeros_behind_them() {
        assert_eq!(bytes_of(b"a,b\n").unwrap(), b"a,b\n");
        assert_eq!(bytes_of(&gzipped(b"a,b\n")).unwrap(), b"a,b\n");
        assert_eq!(bytes_of(&[gzipped(b"a\n1\n"), gzipped(b"2\n")].concat()).unwrap(), b"a\n1\n2\n");
        assert_eq!(bytes_of(&[gzipped(b"a\n1\n"), vec![0; 3000]].concat()).unwrap(), b"a\n1\n");
        assert_eq!(bytes_of(&[gzipped(b"a\n"), vec![0; 5], gzipped(b"1\n"), vec![0; 5]].concat()).unwrap(), b"a\n1\n");
        assert!(bytes_of(&[&gzipped(b"a\n")[..], b"rest"].concat()).unwrap_err().contains("cut short or damaged"));
        assert_eq!(bytes_of(b"").unwrap(), b"");
    }

    #[test]
    fn a_truncated_or_altered_gzip_is_an_error() {
        let whole = gzipped(b"a,b\n1,2\n3,4\n");
        for cut in [3, 12, whole.len() - 9, whole.len() - 1] {
            assert!(bytes_of(&whole[..cut]).unwrap_err().contains("cut short or damaged"), "cut at {cut}");
        }
        let mut altered = whole.clone();
        let checksum = altered.len() - 6;
        altered[checksum] ^= 1;
        assert!(bytes_of(&altered).unwrap_err().contains("cut short or damaged"));
    }

    #[test]
    fn a_bomb_and_gzip_within_gzip_are_refused() {
        assert!(bytes_of(&gzipped(&vec![b'0'; 64 << 20])).unwrap_err().contains("bomb"));
        assert!(bytes_of(&gzipped(&gzipped(b"a,b\n1,2\n"))).unwrap_err().contains("twice"));
    }

    #[test]
    fn what_is_packed_can_be_read_from_any_place_and_any_number_of_times() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(|row| row.wrapping_mul(2_654_435_769).to_le_bytes()).collect();
        let (_folder, path) = file("a", &gzipped(&text));
        let mut input = Input::of(&path).unwrap();
        // One reader does not move another.
        let (mut one, length) = (input.reader().unwrap(), input.length().unwrap());
        let mut read = Vec::new();
        one.read_to_end(&mut read).unwrap();
        assert!(read == text && length == text.len() as u64);
        for _ in 0..2 {
            let mut read = Vec::new();
            input.reader().unwrap().read_to_end(&mut read).unwrap();
            assert!(read == text);
        }
        let mut last = [0; 4];
        let mut seekable = input.seekable().unwrap();
        seekable.seek(SeekFrom::End(-4)).unwrap();
        seekable.read_exact(&mut last).unwrap();
        assert!(last == text[text.len() - 4..] && !input.is_packed());
    }

    #[test]
    fn a_file_that_is_written_after_it_was_opened_is_refused() {
        let (_folder, path) = file("a.csv", b"a\n1\n");
        let witness = Input::of(&path).unwrap().witness().unwrap();
        witness.check().unwrap();
        // Another file of the same name is another file: what was opened stays as it was.
        let (_other, other) = file("b.csv", b"b\n2\n2\n");
        std::fs::rename(&path, format!("{path}.old")).unwrap();
        std::fs::copy(other, &path).unwrap();
        witness.check().unwrap();
        std::fs::write(format!("{path}.old"), b"a\n1\n2\n").unwrap();
        assert!(witness.check().unwrap_err().to_string().contains("changed while it was read"));
        assert!(Input::of_bytes("-", Vec::new()).unwrap().witness().is_none());
    }

    #[test]
    fn other_bytes_at_a_second_reading_are_an_error_even_where_the_times_are_as_they_were() {
        let (_folder, path) = file("a.csv", b"a\n1\n");
        let input = Input::of(&path).unwrap();
        let read = || input.reader().unwrap().read_to_end(&mut Vec::new());
        assert_eq!((read().unwrap(), read().unwrap()), (4, 4));
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(&path, b"a\n2\n").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        input.witness().unwrap().check().unwrap();
        assert!(read().unwrap_err().to_string().contains("changed while it was read"));
    }

    #[test]
    fn the_arrays_of_an_archive_are_named_behind_it() {
        assert_eq!(named("a.npz:x,y"), Some(("a.npz", vec!["x", "y"])));
        assert_eq!((named("C:\\a.npz"), named("a.csv:x")), (None, None));
    }

    #[test]
    fn an_unknown_name_suggests_an_embedded_set_or_a_file_beside_it() {
        let message = |source: &str| Input::of(source).err().unwrap().to_string();
        let said = message("irsi");
        assert!(said.contains("did you mean 'iris'?") && said.contains("breast-cancer"), "{said}");
        let (_folder, path) = file("admissions.csv", b"a\n1\n");
        assert!(message(&path.replace("admissions", "admission")).contains("admissions.csv'?"));
    }
}
