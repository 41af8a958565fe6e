//! Recognises a Parquet file by its first bytes.

/// How every Parquet file begins, and ends.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Whether bytes begin as a Parquet file does: what follows is binary, and not the rest of a CSV file's first name.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    bytes.strip_prefix(MAGIC).is_some_and(|rest| rest.first().is_some_and(|byte| !is_text(byte)))
}

#[cfg(test)]
mod tests {
    use super::begins;

    #[test]
    fn a_csv_file_may_begin_with_the_same_letters() {
        assert!(begins(b"PAR1\x15\x04\x15") && begins(b"PAR1\0"));
        assert!(!begins(b"PAR1,PAR2\n") && !begins(b"PAR1\n1\n") && !begins(b"PAR1") && !begins("PAR1Ä".as_bytes()));
    }
}
