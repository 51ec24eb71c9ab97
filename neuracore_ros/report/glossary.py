"""Words of the pages and what they mean; the documentation takes them from here, too."""

from collections.abc import Iterable

GLOSSARY = {
    'error': 'Mean absolute difference between what the policy predicted and what was commanded '
    'in the recording, over every prediction, step of the horizon and joint.',
    'poses': 'The same of poses: distance of positions and angle between rotations.',
    'in spreads': 'The error divided by the spread of what was commanded; it has no unit. A '
    'policy that always predicts the mean has about 0.8.',
    'executed': 'Error of what the node would have sent to the robot, after latency, blending '
    'and limits, while it ran.',
    'largest': 'The largest difference of one joint over all its predictions.',
    'spread': 'Standard deviation: how far values usually are from their mean.',
    'predictions': 'How often the policy was asked and answered; each gives a chunk of actions.',
    'latency': 'Time from a request to its prediction, on the machine that made this page. p50 '
    'is the median; 99 of 100 are faster than p99.',
    'usable': 'Share of the steps at which every stream had a fresh, finite sample.',
    'running': 'Share of the steps at which the node would have moved the robot.',
    'holds': 'How often the node would have stopped the robot and held it, with a reason each.',
    'late': 'Predictions that came when all their steps were past; each stops the robot.',
    'clamps': 'Setpoints that the limits changed: predicted ones beyond a position limit, and '
    'sent ones that velocity or acceleration limits kept from the plan.',
    'seam': 'How far a new prediction moves the plan where it joins the one before, at the first '
    'step that both cover: the largest of the joints. Large seams make a robot jerk.',
    'jerk': 'Change of acceleration in time [rad/s3]; much of it shakes a robot.',
    'start gate': 'While the robot goes from where it stands to the plan, slowly, it may use a '
    'part of its speed only.',
    'held': 'The node would have stopped the robot here, and it stays where it is.',
    'waiting': 'Some stream has no fresh sample yet, or the policy no prediction.',
    'commanded': 'What was commanded in the recording.',
    'slot': 'One place in the vector of the model: a DataType and an index. It means the same '
    'on every robot.',
    'vocabulary': 'The name of the slot in the vocabulary that the dataset or the robot file '
    'names, by what a joint does.',
    'median': 'Half of the values are below.',
    '1 %': 'One value of a hundred is below.',
    '99 %': 'One value of a hundred is above.',
    'limit': 'Limits of the robot file in the sense of the slot, of positions or of commanded '
    'speeds; - where none is known.',
    'at limit': 'Share of the steps within 1 % of the range from a limit, or beyond it: a joint '
    'that stays there cannot show what was wanted.',
    'outliers': 'Values farther outside of the middle 98 % of this slot on this robot than that '
    'is wide: glitches of an encoder, wrong units, or an episode unlike all others.',
    'fastest': 'The largest change from one step to the next, as a speed. A jump that no motor '
    'can make is a glitch, or a joint that wraps around.',
    'age': 'Time from the stamp of the newest sample to the step that used it; the largest of all '
    'recordings. p50 is the median; 95 of 100 are younger than p95.',
    'longest gap': 'The longest time without a sample.',
    'messages refused': 'Messages of which something could not be used, by reason.',
    'ticks': 'Moments at which a step could begin, 1/rate apart.',
    'outcome': 'What the marker of the episode says.',
    'pair': 'Label of episodes of several robots: the same task, the same places of things.',
    'dropped': 'Ticks without a usable sample of some stream: no step is made of them.',
    'interventions': 'Stretches that a human commanded in place of the policy.',
    'attempts': 'Tries at the task: an episode, or the pieces that one try was cut into.',
    'final distance': 'From the hand to the ball at the end of a trial; the median of all trials.',
    'rejected': 'Commands that the controller of the robot refused.',
}
"""Word -> its meaning, one or two sentences."""

_FORMS = {
    'seam p99': 'seam',
    'latency p50': 'latency',
    'p99': 'latency',
    'hold': 'holds',
    'age p50': 'age',
    'p95': 'age',
    'executed error': 'executed',
    'dropped before it (ticks)': 'dropped',
    'dropped for (ticks)': 'dropped',
    'dropped before it': 'dropped',
    'kept': 'ticks',
    'median final distance': 'final distance',
}


def word_of(heading: str) -> str:
    """The word of the glossary that a heading is; '' if it is none."""
    word = _FORMS.get(heading, heading)
    return word if word in GLOSSARY else ''


def words_of(headings: Iterable[str]) -> list[str]:
    """The words of the glossary among headings, each once, in their order."""
    return list(dict.fromkeys(filter(None, map(word_of, headings))))
