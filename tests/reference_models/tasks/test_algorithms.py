"""The algorithms: the paper's examples, answers by another way, long carries, lengths and texts that are refused."""

import numpy as np
import pytest

from reference_models.tasks.algorithms import PAD, TASKS, add, calculation, carry_chains, long_carries, multiply


def numbers(text, separator):
    """The two numbers of a question, lower digit first."""
    return [int(part[::-1], 2) for part in text.split(separator)]


def texts(task, symbols):
    return ["".join(task.alphabet[i] for i in row) for row in symbols]


@pytest.mark.parametrize(("name", "separator", "combine"), [
    ("badd", "+", lambda a, b: a + b), ("bmul", "*", lambda a, b: a * b)])
@pytest.mark.parametrize("n", [3, 9, 41, 203])
def test_calculations_are_right(name, separator, combine, n):
    task = TASKS[name]
    inputs, targets = task.batch(n, 20, np.random.default_rng(n))
    assert inputs.shape == targets.shape == (20, n)
    for question, answer in zip(texts(task, inputs), texts(task, targets), strict=True):
        digits = answer.rstrip(PAD)
        assert len(digits) == (n // 2 + 1 if name == "badd" else n - 1)
        assert int(digits[::-1], 2) == combine(*numbers(question, separator))
    assert len(set(texts(task, inputs))) > 1


@pytest.mark.parametrize(("name", "question", "answer"), [
    ("badd", "1010+0111", "11001"), ("bmul", "0110*0101", "00111100")])
def test_the_papers_examples(name, question, answer):
    task = TASKS[name]
    (row,) = task.read(question)
    left, right = (np.array([[int(digit) for digit in part]]) for part in question.split(task.alphabet[2]))
    inputs, targets = calculation(left, right, add if name == "badd" else multiply)
    np.testing.assert_array_equal(inputs[0], row)
    assert task.write(targets[0]) == answer


@pytest.mark.parametrize(("name", "of"), [
    ("copy", lambda x: x), ("reverse", lambda x: x[::-1]), ("sort", lambda x: "".join(sorted(x)))])
def test_sequences_are_rearranged(name, of):
    task = TASKS[name]
    inputs, targets = task.batch(13, 30, np.random.default_rng(0))
    for question, answer in zip(texts(task, inputs), texts(task, targets), strict=True):
        assert answer == of(question)


def test_duplicate_fills_its_input_with_padding():
    task = TASKS["duplicate"]
    inputs, targets = task.batch(12, 30, np.random.default_rng(0))
    for question, answer in zip(texts(task, inputs), texts(task, targets), strict=True):
        assert question[6:] == PAD * 6 and answer == 2 * question[:6]
    np.testing.assert_array_equal(task.read("0110"), [[0, 1, 1, 0, 2, 2, 2, 2]])


def test_carries_travel_at_least_half_of_the_digits():
    d = 60
    inputs, targets = carry_chains(d, 50, np.random.default_rng(0))
    for row, (question, answer) in enumerate(zip(texts(TASKS["badd"], inputs), texts(TASKS["badd"], targets),
                                                 strict=True)):
        left, right = question.split("+")
        assert int(answer.rstrip(PAD)[::-1], 2) == int(left[::-1], 2) + int(right[::-1], 2)
        carry, run, longest = 0, 0, 0
        for a, b in zip(left, right, strict=True):
            handed_on = carry and a != b
            carry = int(a) + int(b) + carry >= 2
            run = run + 1 if handed_on else 0
            longest = max(longest, run)
        assert longest >= d // 2 - 1
        if row == 0:
            assert left == "1" * d and right == "1" + "0" * (d - 1)


def test_long_carries_are_sums_with_stretches_of_every_length():
    inputs, targets = long_carries(60, 2000, np.random.default_rng(0))
    sizes, carried, not_carried = [], 0, 0
    for question, answer in zip(texts(TASKS["badd"], inputs), texts(TASKS["badd"], targets), strict=True):
        left, right = question.split("+")
        assert int(answer.rstrip(PAD)[::-1], 2) == int(left[::-1], 2) + int(right[::-1], 2)
        sizes += map(len, "".join(" " if a == b else "x" for a, b in zip(left, right, strict=True)).split())
        kept = [(a, b) for a, b in zip(left, right, strict=True) if a == b]
        carried += kept.count(("1", "1"))
        not_carried += kept.count(("0", "0"))
    doublings, _ = np.histogram(sizes, [1, 2, 4, 8, 16, 32, 61])
    assert doublings.min() > 800  # stretches cut off by the end of the number included
    assert doublings.max() < 3 * doublings.min()
    assert 0.95 < carried / not_carried < 1.05


def test_long_carries_of_one_digit():
    inputs, _ = long_carries(1, 100, np.random.default_rng(0))
    assert {tuple(row) for row in inputs.tolist()} == {(a, 2, b) for a in (0, 1) for b in (0, 1)}


@pytest.mark.parametrize(("name", "text", "message"), [
    ("badd", "10+12", "badd does not know the symbol '2'; its symbols are 0 1 +"),
    ("badd", "1011", "two numbers of as many digits, lower digit first, with one '+' between them; got '1011'"),
    ("badd", "10+1", "two numbers of as many digits"), ("badd", "+", "two numbers of as many digits"),
    ("badd", "1+0+1", "two numbers of as many digits"), ("bmul", "1+1", "bmul does not know the symbol '+'"),
    ("copy", "", "copy needs at least one symbol, got none"), ("copy", "01_", "does not know the symbol '_'"),
])
def test_texts_that_are_no_questions_are_refused(name, text, message):
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        TASKS[name].read(text)


@pytest.mark.parametrize(("name", "n", "message"), [
    ("badd", 10, r"badd needs an odd number of symbols, two numbers of as many digits and '\+' between them; got 10"),
    ("bmul", 1, "bmul needs at least 3 symbols, got 1"), ("duplicate", 7, "duplicate needs an even length, got 7"),
    ("copy", 0, "copy needs at least 1 symbols, got 0"),
])
def test_lengths_without_examples_are_refused(name, n, message):
    with pytest.raises(ValueError, match=message):
        TASKS[name].batch(n, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="no examples of length 1"):
        TASKS["badd"].lengths(1)


def test_answers_lose_the_padding_at_their_end_alone():
    task = TASKS["badd"]
    assert task.write(np.array([0, 3, 1, 3, 3])) == "0_1"
    assert task.lengths(10) == [3, 5, 7, 9] and TASKS["duplicate"].lengths(7) == [2, 4, 6]
