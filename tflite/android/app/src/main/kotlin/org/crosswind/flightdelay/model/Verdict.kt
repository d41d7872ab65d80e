package org.crosswind.flightdelay.model

/** A probability in a word. */
enum class Verdict {
    ON_TIME,
    MAYBE_LATE,
    LATE,
    ;

    companion object {
        /** From the card's threshold on the answer is yes; from half of it on, a reader should be warned. */
        fun of(probability: Float, threshold: Float): Verdict = when {
            probability >= threshold -> LATE
            probability >= threshold / 2 -> MAYBE_LATE
            else -> ON_TIME
        }
    }
}
