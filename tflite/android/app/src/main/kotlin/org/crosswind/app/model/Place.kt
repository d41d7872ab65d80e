package org.crosswind.app.model

import kotlin.math.asin
import kotlin.math.cos
import kotlin.math.pow
import kotlin.math.sin
import kotlin.math.sqrt

private val EARTH_RADIUS = mapOf("miles" to 3958.8, "km" to 6371.0) // mean

/** Units that a distance can have. */
internal val LENGTHS: Set<String> get() = EARTH_RADIUS.keys

/** A point on the earth, in degrees. */
data class Place(val latitude: Double, val longitude: Double) {
    /** The length of the way to another place along the great circle, in one of [LENGTHS]. */
    fun distance(other: Place, unit: String): Double {
        val (here, there) = Math.toRadians(latitude) to Math.toRadians(other.latitude)
        val haversine = sin((there - here) / 2).pow(2) +
            cos(here) * cos(there) * sin(Math.toRadians(other.longitude - longitude) / 2).pow(2)
        return 2 * EARTH_RADIUS.getValue(unit) * asin(sqrt(haversine))
    }
}
