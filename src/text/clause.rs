//! stub
/// c
#[derive(Debug, Clone)]
pub struct Clause {
    /// t
    pub text: String,
    /// r
    pub range: std::ops::Range<usize>,
}
/// c
#[derive(Debug, Default)]
pub struct ClauseCutter(String);
#[allow(missing_docs)]
impl ClauseCutter {
    pub fn push(&mut self, t: &str) {
        self.0.push_str(t)
    }
    pub fn next_clause(&mut self) -> Option<Clause> {
        None
    }
    pub fn finish(&mut self) {}
}
/// s
pub fn spoken(t: &str) -> String {
    t.to_owned()
}
