//! The C library libpocketsphinx (Debian's 0.8+5prealpha), made safe: one [`Decoder`], which
//! searches for words or for phrases.
//!
//! Signatures and layouts follow `pocketsphinx.h`, `sphinxbase/feat.h` and `sphinxbase/cmn.h`.
#![expect(unsafe_code, reason = "the one border to a C library")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

/// A speech decoder with its model: about 0.3 s to load, 100 MB.
#[derive(Debug)]
pub(super) struct Decoder(NonNull<c_void>);

// SAFETY: the decoder is owned by this value alone, and the library ties none of its state to the
// thread that made it. It is not `Sync`: reading a hypothesis writes to the decoder.
unsafe impl Send for Decoder {}

/// The values of the front end's cepstrum, `-ncep`.
pub(super) const CEPSTRA: usize = 13;

impl Decoder {
    /// Loads the acoustic model, the language model and the dictionary; `None` when the library
    /// cannot read them. They must exist.
    pub(super) fn load(acoustic: &CStr, language: &CStr, dictionary: &CStr) -> Option<Self> {
        let end = ptr::null::<c_char>();
        // SAFETY: the strings end with NUL and the list of options with NULL; the library copies
        // them. The decoder holds its own reference to the options.
        unsafe {
            err_set_logfp(ptr::null_mut());
            #[rustfmt::skip]
            let options = cmd_ln_init(ptr::null_mut(), ps_args(), 1,
                c"-hmm".as_ptr(), acoustic.as_ptr(),
                c"-lm".as_ptr(), language.as_ptr(),
                c"-dict".as_ptr(), dictionary.as_ptr(),
                end);
            if options.is_null() {
                return None;
            }
            let decoder = ps_init(options);
            cmd_ln_free_r(options);
            NonNull::new(decoder).map(Self)
        }
    }

    /// Forgets what earlier sound taught it about noise and voice: the mean of the cepstra is
    /// `mean` again, counted as `weight` frames.
    pub(super) fn reset(&mut self, mean: &[f32; CEPSTRA], weight: u16) -> bool {
        // SAFETY: a decoder always has its feature extraction and that its mean, whose vectors
        // have `veclen` values each.
        unsafe {
            let state = &mut *(*ps_get_feat(self.0.as_ptr())).cmn;
            if state.veclen as usize != CEPSTRA {
                return false;
            }
            cmn_live_set(state, mean.as_ptr());
            for (i, value) in mean.iter().enumerate() {
                *state.sum.add(i) = value * f32::from(weight);
            }
            state.nframe = c_int::from(weight);
            ps_start_stream(self.0.as_ptr()) >= 0
        }
    }

    /// Takes the mean of the cepstra so far for the sound to come.
    pub(super) fn adapt(&mut self) {
        // SAFETY: as in `reset`; the library divides by `nframe`, which `reset` made positive.
        unsafe {
            let state = (*ps_get_feat(self.0.as_ptr())).cmn;
            if (*state).nframe > 0 {
                cmn_live_update(state);
            }
        }
    }

    /// Begins a stretch of speech; `false` if the library refuses.
    pub(super) fn begin(&mut self) -> bool {
        // SAFETY: the decoder is alive.
        unsafe { ps_start_utt(self.0.as_ptr()) >= 0 }
    }

    /// Decodes sound at 16 kHz; `false` if the library fails.
    pub(super) fn feed(&mut self, samples: &[i16]) -> bool {
        // SAFETY: the library reads `samples.len()` samples and keeps none.
        unsafe { ps_process_raw(self.0.as_ptr(), samples.as_ptr(), samples.len(), 0, 0) >= 0 }
    }

    /// Whether the library's own voice detector hears speech in the last sound.
    pub(super) fn in_speech(&self) -> bool {
        // SAFETY: the decoder is alive.
        unsafe { ps_get_in_speech(self.0.as_ptr()) != 0 }
    }

    /// Ends the stretch of speech and searches once more: 40 ms after a short sentence, 0.5 s after
    /// 11 s of speech. `-fwdflat no` would make it 5 ms, but then short sentences suffer most:
    /// "tell me a story" becomes "telomeres story".
    pub(super) fn end(&mut self) -> bool {
        // SAFETY: the decoder is alive; the library refuses when there is no stretch to end.
        unsafe { ps_end_utt(self.0.as_ptr()) >= 0 }
    }

    /// The words so far, as the library writes them.
    pub(super) fn hypothesis(&mut self) -> String {
        // SAFETY: the library gives NULL or a string that lives until its next call.
        unsafe {
            let words = ps_get_hyp(self.0.as_ptr(), ptr::null_mut());
            if words.is_null() {
                String::new()
            } else {
                CStr::from_ptr(words).to_string_lossy().into_owned()
            }
        }
    }
}

/// Looks for one phrase at a time: about 0.1 s to load.
#[derive(Debug)]
pub(super) struct PhraseDecoder(Decoder);

impl PhraseDecoder {
    /// Loads the acoustic model and the dictionary; `None` when the library cannot read them. They
    /// must exist.
    pub(super) fn load(acoustic: &CStr, dictionary: &CStr) -> Option<Self> {
        let end = ptr::null::<c_char>();
        // SAFETY: as in `Decoder::load`.
        unsafe {
            err_set_logfp(ptr::null_mut());
            // The mean of the cepstra is that of each whole stretch of sound. Silence is kept, so
            // that frames tell the time.
            #[rustfmt::skip]
            let options = cmd_ln_init(ptr::null_mut(), ps_args(), 1,
                c"-hmm".as_ptr(), acoustic.as_ptr(),
                c"-dict".as_ptr(), dictionary.as_ptr(),
                c"-cmn".as_ptr(), c"batch".as_ptr(),
                c"-remove_silence".as_ptr(), c"no".as_ptr(),
                end);
            if options.is_null() {
                return None;
            }
            let decoder = ps_init(options);
            cmd_ln_free_r(options);
            NonNull::new(decoder).map(|decoder| Self(Decoder(decoder)))
        }
    }

    /// Learns a phrase, in words of the dictionary, and gives it a name. The lower the threshold,
    /// the sooner it is found, also where it was not said; `false` if the library refuses.
    pub(super) fn learn(&mut self, name: &CStr, phrase: &CStr, threshold: f64) -> bool {
        let decoder = self.0.0.as_ptr();
        // SAFETY: the decoder is alive and has its options; the library copies the strings.
        unsafe {
            cmd_ln_set_float_r(ps_get_config(decoder), c"-kws_threshold".as_ptr(), threshold);
            ps_set_keyphrase(decoder, name.as_ptr(), phrase.as_ptr()) >= 0
        }
    }

    /// Where in `samples` the phrase of this name first ends, in frames of 10 ms.
    pub(super) fn find(&mut self, name: &CStr, samples: &[i16]) -> Option<usize> {
        let decoder = self.0.0.as_ptr();
        // SAFETY: the decoder is alive; the library reads `samples.len()` samples and keeps none.
        unsafe {
            if ps_set_search(decoder, name.as_ptr()) < 0
                || ps_start_stream(decoder) < 0
                || ps_start_utt(decoder) < 0
            {
                return None;
            }
            let fed = ps_process_raw(decoder, samples.as_ptr(), samples.len(), 0, 1);
            let ended = ps_end_utt(decoder);
            if fed < 0 || ended < 0 {
                return None;
            }
        }
        self.ends().min()
    }

    /// Where the phrases end that were found.
    fn ends(&mut self) -> impl Iterator<Item = usize> {
        // SAFETY: the decoder is alive, and no stretch of sound is open.
        let mut next = unsafe { ps_seg_iter(self.0.0.as_ptr()) };
        std::iter::from_fn(move || {
            if next.is_null() {
                return None;
            }
            let (mut start, mut end) = (0, 0);
            // SAFETY: `next` is a segment of this decoder's result; following it to the end frees
            // it, and this is the only one who does: nobody stops before.
            unsafe {
                ps_seg_frames(next, &mut start, &mut end);
                next = ps_seg_next(next);
            }
            Some(usize::try_from(end).unwrap_or(0))
        })
        .collect::<Vec<_>>()
        .into_iter()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: this value holds the only reference, and nobody uses it after.
        unsafe { ps_free(self.0.as_ptr()) };
    }
}

/// The beginning of `feat_t`.
#[repr(C)]
struct Features {
    refcount: i32,
    name: *mut c_char,
    cepsize: i32,
    n_stream: i32,
    stream_len: *mut u32,
    window_size: i32,
    n_sv: i32,
    sv_len: *mut u32,
    subvecs: *mut *mut i32,
    sv_buf: *mut f32,
    sv_dim: i32,
    cmn_type: c_int,
    varnorm: i32,
    agc_type: c_int,
    compute: *mut c_void,
    cmn: *mut CepstralMean,
}

/// `cmn_t`.
#[repr(C)]
struct CepstralMean {
    mean: *mut f32,
    variance: *mut f32,
    sum: *mut f32,
    nframe: i32,
    veclen: i32,
}

#[rustfmt::skip]
unsafe extern "C" {
    fn err_set_logfp(stream: *mut c_void);
    fn cmd_ln_init(update: *mut c_void, definitions: *const c_void, strict: i32, ...) -> *mut c_void;
    fn cmd_ln_free_r(options: *mut c_void) -> c_int;
    fn cmn_live_set(cmn: *mut CepstralMean, mean: *const f32);
    fn cmn_live_update(cmn: *mut CepstralMean);
    fn cmd_ln_set_float_r(options: *mut c_void, name: *const c_char, value: f64);
    fn ps_args() -> *const c_void;
    fn ps_get_config(decoder: *mut c_void) -> *mut c_void;
    fn ps_set_keyphrase(decoder: *mut c_void, name: *const c_char, phrase: *const c_char) -> c_int;
    fn ps_set_search(decoder: *mut c_void, name: *const c_char) -> c_int;
    fn ps_seg_iter(decoder: *mut c_void) -> *mut c_void;
    fn ps_seg_next(segment: *mut c_void) -> *mut c_void;
    fn ps_seg_frames(segment: *mut c_void, start: *mut c_int, end: *mut c_int);
    fn ps_init(options: *mut c_void) -> *mut c_void;
    fn ps_free(decoder: *mut c_void) -> c_int;
    fn ps_get_feat(decoder: *mut c_void) -> *mut Features;
    fn ps_start_stream(decoder: *mut c_void) -> c_int;
    fn ps_start_utt(decoder: *mut c_void) -> c_int;
    fn ps_process_raw(decoder: *mut c_void, data: *const i16, samples: usize, no_search: c_int, full: c_int) -> c_int;
    fn ps_end_utt(decoder: *mut c_void) -> c_int;
    fn ps_get_hyp(decoder: *mut c_void, score: *mut i32) -> *const c_char;
    fn ps_get_in_speech(decoder: *mut c_void) -> u8;
}
