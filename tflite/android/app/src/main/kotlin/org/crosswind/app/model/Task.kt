package org.crosswind.app.model

/** What is predicted, and so what an answer is. */
sealed interface Task {
    /** How many numbers an answer has. */
    val values: Int

    /**
     * Whether something is so: the probability of yes.
     *
     * @property threshold from which probability on the answer is yes.
     * @property baseRate the share of yes in training.
     */
    data class Binary(val threshold: Float, val baseRate: Float) : Task {
        override val values get() = 1
    }

    /** Which of several classes it is: a probability each, in their order. */
    data class Multiclass(val classes: List<String>) : Task {
        override val values get() = classes.size

        /** The likeliest classes with their probabilities, at most [count] of them. */
        fun likeliest(answer: FloatArray, count: Int): List<Pair<String, Float>> =
            classes.zip(answer.asIterable()).sortedByDescending { it.second }.take(count)
    }

    /**
     * How much it is: a number.
     *
     * @property interval where it is expected; null where the card has none.
     */
    data class Regression(val interval: Interval?) : Task {
        override val values get() = 1
    }
}

/** A [share] of what is predicted is between the prediction with [low] and with [high] added to it. */
data class Interval(val share: Float, val low: Float, val high: Float) {
    /** Both ends around an answer. */
    fun around(answer: Float): Pair<Float, Float> = answer + low to answer + high
}
