//! The two languages of the course, and which of them the user reads.
//!
//! Narration, the tour, the demos and the doctor speak English or Traditional Chinese as used in
//! Taiwan. Error messages and protocol texts stay English: they are what a search engine knows.
//! Source: the locale variables of POSIX.1-2024, Base Definitions, section 8.2.

use std::fmt;
use std::str::FromStr;

/// A language that the course speaks.
///
/// # Examples
/// ```
/// use netcommon::lang::Lang;
///
/// assert_eq!("zh-TW".parse(), Ok(Lang::ZhTw));
/// assert_eq!(Lang::En.pick("server", "伺服器"), "server");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Traditional Chinese as used in Taiwan.
    ZhTw,
}

impl Lang {
    /// The language that the user's system asks for; English unless it is some Chinese.
    ///
    /// Asks `LC_ALL`, `LC_MESSAGES` and `LANG` on Unix, the user's settings on Windows and macOS.
    /// Does not block.
    #[must_use]
    pub fn of_user() -> Self {
        sys_locale::get_locale().map_or(Self::En, |locale| Self::of_locale(&locale))
    }

    /// The one of two texts that is in this language.
    #[must_use]
    pub fn pick<T>(self, en: T, zh_tw: T) -> T {
        match self {
            Self::En => en,
            Self::ZhTw => zh_tw,
        }
    }

    fn of_locale(locale: &str) -> Self {
        if locale.starts_with("zh") { Self::ZhTw } else { Self::En }
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::En),
            "zh-TW" | "zh-tw" | "zh_TW" | "zh" => Ok(Self::ZhTw),
            "auto" => Ok(Self::of_user()),
            _ => Err("expected `en` or `zh-TW`".to_owned()),
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pick("en", "zh-TW"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_chinese_locale_reads_chinese_and_all_others_english() {
        for (locale, want) in [
            ("zh-TW", Lang::ZhTw),
            ("zh_TW.UTF-8", Lang::ZhTw),
            ("zh-Hant-HK", Lang::ZhTw),
            ("en-US", Lang::En),
            ("de_DE", Lang::En),
            ("C", Lang::En),
            ("", Lang::En),
        ] {
            assert_eq!(Lang::of_locale(locale), want, "{locale}");
        }
    }

    #[test]
    fn an_unknown_language_is_refused_with_the_choice() {
        assert_eq!("fr".parse::<Lang>(), Err("expected `en` or `zh-TW`".to_owned()));
    }
}
