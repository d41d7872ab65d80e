package org.crosswind.app.model

import kotlin.math.asin
import kotlin.math.cos
import kotlin.math.pow
import kotlin.math.sin
import kotlin.math.sqrt

private const val EARTH_RADIUS_MILES = 3958.8 // mean

/**
 * Codes and features in words.
 *
 * @param lines one a code: "JFK|New York John F. Kennedy", an airport's followed by "|40.64|-73.779", its latitude and
 *     longitude in degrees.
 */
class Names(lines: Iterable<String>) {
    private val entries = lines.map { it.split('|') }.associateBy { it[0] }

    /** The words for a code; null for one that has none. */
    operator fun get(code: String): String? = entries[code]?.get(1)

    /** The length of the route between two airports along the great circle; null if a place is unknown. */
    fun miles(from: String, to: String): Double? {
        val (latitude, longitude) = place(from) ?: return null
        val (otherLatitude, otherLongitude) = place(to) ?: return null
        val haversine = sin((otherLatitude - latitude) / 2).pow(2) +
            cos(latitude) * cos(otherLatitude) * sin((otherLongitude - longitude) / 2).pow(2)
        return 2 * EARTH_RADIUS_MILES * asin(sqrt(haversine))
    }

    /** Latitude and longitude in radians. */
    private fun place(code: String): List<Double>? =
        entries[code]?.drop(2)?.takeIf { it.size == 2 }?.map { Math.toRadians(it.toDouble()) }
}
