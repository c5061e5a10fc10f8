//! At a terminal: the line that is being typed, and everything that could disturb it.
//!
//! Each test looks at the screen as a person would. Read `terminal.rs` and `host.rs` before.

use crate::host::{Guest, Host};
use crate::terminal::Terminal;

/// 小明 in a room with two others, at an empty prompt.
fn in_room(options: &[&str]) -> (Host, Guest, Terminal) {
    let host = Host::open();
    let addr = host.addr.to_string();
    let mut terminal = Terminal::join(&[&["小明", &addr], options].concat());
    let guest = host.let_in("小明", "小美, bob");
    terminal.wait_for("* In the room: 小美, bob");
    terminal.wait_for_prompt("");
    (host, guest, terminal)
}

#[test]
fn half_a_typed_line_survives_ten_incoming_messages() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("我才打到一");
    terminal.wait_for_prompt("我才打到一");
    for number in 1..=10 {
        guest.say(&format!("[小美] 第 {number} 則訊息"));
        terminal.wait_for(&format!("[小美] 第 {number} 則訊息"));
        terminal.wait_for_prompt("我才打到一");
        assert_eq!(terminal.cursor_column(), 2 + 5 * 2, "the cursor stands behind the half line");
    }
    terminal.press("半\r");
    assert_eq!(guest.line(), "我才打到一半");
    terminal.wait_for("(you) [小明] 我才打到一半");
    terminal.wait_for_prompt("");
    let shown = terminal.shown();
    let messages: Vec<&str> = shown.lines().filter(|line| line.starts_with("[小美]")).collect();
    assert_eq!(messages.len(), 10, "each message has a line of its own:\n{shown}");
}

#[test]
fn no_key_is_lost_while_thousands_of_lines_arrive() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    let typed: String = "今天天氣真好我們去散步吧".repeat(5);
    for (number, key) in typed.chars().enumerate() {
        for line in 0..20 {
            guest.say(&format!("[bob] flood {number}.{line}"));
        }
        terminal.press(&key.to_string());
    }
    terminal.press("\r");
    assert_eq!(guest.line(), typed);
    guest.say("[小美] 都收到了");
    terminal.wait_for("[小美] 都收到了");
    terminal.wait_for_prompt("");
    let written = String::from_utf8_lossy(terminal.written());
    let floods: Vec<&str> = written.match_indices("flood ").map(|(at, _)| &written[at..at + 10]).collect();
    assert_eq!(floods.len(), typed.chars().count() * 20, "every line was drawn once");
}

#[test]
fn chinese_takes_two_columns_and_editing_keeps_to_characters() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    // Left, left, a character in the middle, backspace over one, end, one more.
    terminal.press("早安嗎\x1b[D\x1b[D你\x7f們\x05!");
    terminal.wait_for_prompt("早們安嗎!");
    assert_eq!(terminal.cursor_column(), 2 + 4 * 2 + 1);
    terminal.press("\r");
    assert_eq!(guest.line(), "早們安嗎!");
}

#[test]
fn a_line_longer_than_the_screen_survives_as_well() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    let long = "長".repeat(70);
    terminal.press(&long);
    terminal.wait_until("the long line", |shown| shown.matches('長').count() == 70);
    for number in 0..3 {
        guest.say(&format!("[bob] in between {number}"));
    }
    terminal.wait_for("[bob] in between 2");
    terminal.wait_until("the long line again", |shown| shown.matches('長').count() == 70);
    terminal.press("\r");
    assert_eq!(guest.line(), long);
}

#[test]
fn tab_completes_names_and_commands_and_never_stops_the_lines() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("/m\tbo\t你好\r");
    assert_eq!(guest.line(), "/msg bob 你好");
    guest.say("* 小華 has joined");
    terminal.wait_for("* 小華 has joined");
    terminal.press("早安小\t");
    terminal.wait_for("  小美  小華");
    // The editor itself would wait for a key now.
    guest.say("[bob] still here");
    terminal.wait_for("[bob] still here");
    terminal.press("華\t！\r");
    assert_eq!(guest.line(), "早安小華 ！");
}

#[test]
fn arrows_bring_back_what_was_typed() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("甲\r乙\r");
    assert_eq!((guest.line(), guest.line()), ("甲".to_owned(), "乙".to_owned()));
    terminal.press("half");
    terminal.press("\x1b[A\x1b[A");
    terminal.wait_for_prompt("甲");
    terminal.press("\x1b[B\x1b[B");
    terminal.wait_for_prompt("half");
    terminal.press("\x1b[A!\r");
    assert_eq!(guest.line(), "乙!");
}

#[test]
fn own_lines_mentions_and_private_ones_are_told_by_words_and_colours() {
    let (_host, mut guest, mut terminal) = in_room(&["--times"]);
    for line in
        ["[bob] 小明在嗎", "[bob -> you] 噓", "[bob] 大家好", "! No one here is called 小", "[bob] (you) \x1b[31mred"]
    {
        guest.say(line);
    }
    terminal.wait_for(r"\x1b[31mred");
    let shown = terminal.shown();
    let behind_the_time: Vec<&str> = shown.lines().filter_map(|line| line.get(6..)).collect();
    for want in [
        "(names you) [bob] 小明在嗎",
        "(for you) [bob -> you] 噓",
        "[bob] 大家好",
        "! No one here is called 小",
        r"[bob] (you) \x1b[31mred",
    ] {
        assert!(behind_the_time.contains(&want), "{want}:\n{shown}");
    }
    let written = String::from_utf8_lossy(terminal.written());
    assert!(written.contains("\x1b[1;33m(names you) [bob] 小明在嗎\x1b[0m"), "{written:?}");
    assert!(!terminal.written().contains(&7), "nobody asked for a bell");
}

#[test]
fn the_bell_rings_when_it_was_asked_for() {
    let (_host, mut guest, mut terminal) = in_room(&["--bell"]);
    guest.say("[bob] 大家好");
    guest.say("[bob -> you] 噓");
    terminal.wait_for("(for you) [bob -> you] 噓");
    assert_eq!(terminal.written().iter().filter(|&&byte| byte == 7).count(), 1);
}

#[test]
fn without_colour_the_words_stay() {
    let host = Host::open();
    let addr = host.addr.to_string();
    let mut terminal = Terminal::join_with(&["小明", &addr], &[("NO_COLOR", "1")]);
    let mut guest = host.let_in("小明", "bob");
    guest.say("[bob -> you] 噓");
    terminal.wait_for("(for you) [bob -> you] 噓");
    assert!(!String::from_utf8_lossy(terminal.written()).contains("\x1b[1;35m"));
}

#[test]
fn a_refused_name_is_asked_for_again() {
    let host = Host::open();
    let mut terminal = Terminal::join(&["小明", &host.addr.to_string()]);
    let mut guest = host.accept();
    guest.say("* Welcome to the chat room. What is your name?");
    assert_eq!(guest.line(), "小明");
    guest.say("! Name 小明: somebody here has it already");
    terminal.wait_for("! Name 小明: somebody here has it already");
    terminal.press("小華\r");
    assert_eq!(guest.line(), "小華");
    guest.say("* In the room: 小明");
    terminal.wait_for("* In the room: 小明");
    terminal.press("嗨\r");
    terminal.wait_for("(you) [小華] 嗨");
}

#[test]
fn ctrl_d_and_quit_leave_in_order_and_give_the_terminal_back() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("\x04");
    assert_eq!(guest.line(), "", "the client's FIN");
    guest.say("[bob] 你剛剛說什麼");
    guest.end();
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.shown().contains("[bob] 你剛剛說什麼"), "the last line is shown:\n{}", terminal.shown());
    assert!(terminal.is_as_before());

    let (_host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("/quit\r");
    assert_eq!(guest.line(), "/quit");
    guest.say("* Goodbye");
    guest.end();
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.shown().contains("* Goodbye"), "{}", terminal.shown());
    assert!(terminal.is_as_before());
}

#[test]
fn ctrl_c_leaves_with_130_and_gives_the_terminal_back() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("打到一半\x03");
    assert_eq!(terminal.end(), Some(130));
    let shown = terminal.shown();
    assert_eq!(shown.matches("> 打到一半").count(), 1, "the prompt is not drawn again:\n{shown}");
    assert_eq!(guest.line(), "");
    assert!(terminal.is_as_before());
}

#[test]
fn a_lost_server_is_said_at_once_with_its_last_words_and_the_terminal_comes_back() {
    let (host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("打到一半");
    terminal.wait_for_prompt("打到一半");
    guest.say("* The server is shutting down");
    guest.end();
    assert_eq!(terminal.end(), Some(1));
    let shown = terminal.shown();
    let error = format!("chat-room: read from {}: the server closed the connection", host.addr);
    assert!(shown.contains("* The server is shutting down"), "{shown}");
    assert!(shown.contains(&error), "{shown}");
    assert!(terminal.is_as_before());
}

#[test]
fn what_was_pasted_is_said_line_by_line() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    terminal.press("\x1b[200~第一行\r第二行\x1b[201~\r");
    assert_eq!((guest.line(), guest.line()), ("第一行".to_owned(), "第二行".to_owned()));
    terminal.wait_for("(you) [小明] 第二行");
}

#[test]
fn reconnect_comes_back_under_the_same_name_and_keeps_the_half_line() {
    let (host, guest, mut terminal) = in_room(&["--reconnect"]);
    terminal.press("打到一半");
    terminal.wait_for_prompt("打到一半");
    guest.reset();
    terminal.wait_for("; next attempt in 0.");
    terminal.wait_for_prompt("打到一半");
    // The room still has our ghost: the client waits for its name and does not ask for another.
    let mut refusing = host.accept();
    refusing.say("* Welcome to the chat room. What is your name?");
    assert_eq!(refusing.line(), "小明");
    refusing.say("! Name 小明: somebody here has it already");
    let mut guest = host.let_in("小明", "bob");
    terminal.wait_until("the list once more", |shown| shown.contains("* In the room: bob\n> 打到一半"));
    terminal.press("的話\r");
    assert_eq!(guest.line(), "打到一半的話");
}

#[test]
fn a_line_typed_while_the_room_is_lost_is_not_pretended_to_be_sent() {
    let (host, guest, mut terminal) = in_room(&["--reconnect"]);
    let addr = host.addr;
    drop(host);
    drop(guest);
    terminal.wait_for("; next attempt in");
    terminal.press("有人嗎\r");
    terminal.wait_for("not sent, we are not in the room");
    let host = Host::open_at(addr);
    let mut guest = host.let_in("小明", "bob");
    terminal.wait_for("* In the room: bob");
    terminal.press("\x1b[A\r");
    assert_eq!(guest.line(), "有人嗎");
}

#[test]
fn a_stranger_cannot_move_the_cursor_or_fill_the_screen_from_a_name() {
    let (_host, mut guest, mut terminal) = in_room(&[]);
    guest.say_bytes(b"* \x1b[2J\x1b[H has joined\n[x\x1b]0;title\x07] hi\n\xff\xfe\n");
    guest.say("[bob] 安全");
    terminal.wait_for("[bob] 安全");
    let shown = terminal.shown();
    for want in [r"* \x1b[2J\x1b[H has joined", r"[x\x1b]0;title\x07] hi", r"\xff\xfe", "* In the room: 小美, bob"] {
        assert!(shown.contains(want), "{want}:\n{shown}");
    }
}
