package org.crosswind.app.model

/** A probability in words. */
enum class Verdict {
    BELOW_AVERAGE,
    ABOVE_AVERAGE,
    YES,
    ;

    /** What the screen says of it. */
    fun words(card: ModelCard): String = when (this) {
        BELOW_AVERAGE -> card.words.below
        ABOVE_AVERAGE -> card.words.above
        YES -> card.words.yes
    }

    companion object {
        /**
         * From the threshold on the answer is yes. Below it a probability is held against the average: 27 % is little where one
         * row in three is a yes, and much where one in ten is.
         */
        fun of(probability: Float, task: Task.Binary): Verdict = when {
            probability >= task.threshold -> YES
            probability >= task.baseRate -> ABOVE_AVERAGE
            else -> BELOW_AVERAGE
        }
    }
}
