package org.crosswind.app.model

/** The installed file, its manifest or its card is not what was published. */
class CorruptModel(message: String, cause: Throwable? = null) : IllegalStateException(message, cause)
