//! The book by itself: what it takes for a right answer, and what for a wrong one.

use super::*;

fn receive(units: i64) -> Op {
    Op::Receive { at: RETURNS.to_owned(), units }
}

fn transfer(units: i64) -> Op {
    Op::Transfer { from: RETURNS.to_owned(), to: "main".to_owned(), units }
}

/// Two units of this product and three of the one before, where nothing is for sale.
fn both() -> Stock {
    let mut book = Stock::default();
    book.invoke(&receive(2));
    book.invoke(&Op::ReceiveOthers { at: RETURNS.to_owned(), units: 3 });
    book
}

fn is_right(mut book: Stock, op: &Op, ret: &Ret) -> bool {
    book.is_valid_step(op, ret)
}

#[test]
fn what_is_of_another_product_is_not_carried() {
    assert!(is_right(both(), &transfer(2), &Ret::Done(Some(3))));
    assert!(!is_right(both(), &transfer(3), &Ret::Done(Some(3))));
    assert!(is_right(both(), &transfer(3), &Ret::Own(2)));
    assert!(is_right(both(), &transfer(5), &Ret::Own(2)));
    assert!(!is_right(both(), &transfer(3), &Ret::Own(1)), "two are this one's");
    assert!(!is_right(both(), &transfer(2), &Ret::Own(2)), "they could have gone");
    assert!(!is_right(both(), &transfer(6), &Ret::Own(2)), "so many are not there");
    assert!(is_right(both(), &transfer(6), &Ret::Only(5)));
    assert!(!is_right(both(), &receive(1), &Ret::Own(2)), "nobody is kept from bringing some");
}

#[test]
fn what_is_of_another_product_is_missed_first() {
    let at = RETURNS.to_owned();
    for missed in [
        Op::Adjust { at: at.clone(), units: -3, if_match: None },
        Op::Count { at: at.clone(), units: 2 },
    ] {
        let mut book = both();
        book.invoke(&missed);
        assert!(is_right(book.clone(), &transfer(2), &Ret::Done(None)), "{missed:?}");
        assert!(is_right(book, &transfer(3), &Ret::Only(2)), "{missed:?}");
    }
    let mut book = both();
    book.invoke(&Op::Count { at, units: 6 });
    assert!(is_right(book, &transfer(4), &Ret::Own(3)), "what is found is this one's");
}
