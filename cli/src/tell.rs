//! Lines for whoever watches.

/// Writes a line to stderr. Unlike `eprintln!` it goes on when nobody reads there any more, as behind `2>&1 | head`.
macro_rules! tell {
    ($($text:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(
            &mut ::std::io::stderr().lock(),
            format_args!("{}\n", format_args!($($text)*)),
        );
    }};
}

pub(crate) use tell;
