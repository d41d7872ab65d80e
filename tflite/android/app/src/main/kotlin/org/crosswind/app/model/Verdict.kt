package org.crosswind.app.model

/** A probability in words. */
enum class Verdict {
    BELOW_AVERAGE,
    ABOVE_AVERAGE,
    LATE,
    ;

    companion object {
        /**
         * From the threshold on the answer is yes. Below it a probability is held against the average: 27 % is little where one
         * in three is late, and much where one in ten is.
         */
        fun of(probability: Float, card: ModelCard): Verdict = when {
            probability >= card.threshold -> LATE
            probability >= card.baseRate -> ABOVE_AVERAGE
            else -> BELOW_AVERAGE
        }
    }
}
