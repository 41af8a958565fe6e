//! Small pictures of pixels, as PNG in a `data:` address: written here, for a few lines do without a crate.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A picture of `width` pixels a row, each a grey from 0 to 255, as an address that an `img` shows.
pub(crate) fn grey(width: usize, pixels: &[u8]) -> String {
    address(width, 1, pixels)
}

/// A picture of `width` pixels a row, each red, green, blue and how much of it is seen, as an address.
pub(crate) fn tinted(width: usize, pixels: &[[u8; 4]]) -> String {
    address(width, 4, pixels.as_flattened())
}

/// The address of a picture of so many bytes a pixel, 1 or 4.
fn address(width: usize, bytes: usize, pixels: &[u8]) -> String {
    let line = (width * bytes).max(1);
    let height = pixels.len() / line;
    let mut lines = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in pixels.chunks_exact(line) {
        // Filter 0: the pixels as they are. Writing into memory does not fail.
        let _ = lines.write_all(&[0]).and_then(|()| lines.write_all(row));
    }
    let colour = if bytes == 1 { 0 } else { 6 };
    let size = [(width as u32).to_be_bytes(), (height as u32).to_be_bytes()].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &[&size[..], &[8, colour, 0, 0, 0]].concat());
    chunk(&mut png, b"IDAT", &lines.finish().unwrap_or_default());
    chunk(&mut png, b"IEND", &[]);
    format!("data:image/png;base64,{}", base64(&png))
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    png.extend((content.len() as u32).to_be_bytes());
    let named = [&kind[..], content].concat();
    png.extend(&named);
    png.extend(crc32fast::hash(&named).to_be_bytes());
}

/// RFC 4648, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let padded = [three[0], three.get(1).copied().unwrap_or(0), three.get(2).copied().unwrap_or(0)];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit > three.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The test vectors of RFC 4648.
    #[test]
    fn base64_is_that_of_the_standard() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_picture_has_its_size_and_its_pixels() {
        let mut png = Vec::new();
        chunk(&mut png, b"IEND", &[]);
        assert_eq!(png, [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82], "as every PNG file ends");
        let mut lines = ZlibEncoder::new(Vec::new(), Compression::default());
        lines.write_all(&[0, 1, 2, 0, 3, 4]).expect("memory");
        let packed = lines.finish().expect("memory");
        let text = grey(2, &[1, 2, 3, 4]);
        assert!(text.starts_with("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAA"), "{text}");
        let mut unpacked = Vec::new();
        flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("packed");
        assert_eq!(unpacked, [0, 1, 2, 0, 3, 4]);
        assert!(tinted(1, &[[1, 2, 3, 4]]).len() > 60);
    }
}
