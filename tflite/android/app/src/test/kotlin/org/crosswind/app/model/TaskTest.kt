package org.crosswind.app.model

import java.util.Locale
import org.junit.Assert.assertEquals
import org.junit.Test

class TaskTest {
    @Test
    fun `an answer has one number, or one a class`() {
        val tasks = listOf(Task.Binary(0.5f, 0.2f), Task.Multiclass(listOf("a", "b", "c")), Task.Regression(null))
        assertEquals(listOf(1, 3, 1), tasks.map { it.values })
    }

    @Test
    fun `the likeliest classes come first, and as many as there are`() {
        val task = Task.Multiclass(listOf("a", "b", "c"))
        val answer = floatArrayOf(0.1f, 0.6f, 0.3f)
        assertEquals(listOf("b" to 0.6f, "c" to 0.3f), task.likeliest(answer, 2))
        assertEquals(listOf("b", "c", "a"), task.likeliest(answer, 5).map { it.first })
    }

    @Test
    fun `an interval is around the answer`() {
        assertEquals(7.5f to 14f, Interval(0.9f, -2.5f, 4f).around(10f))
    }

    @Test
    fun `a number has four digits, or all before the point, as its reader writes them`() {
        val before = Locale.getDefault()
        try {
            Locale.setDefault(Locale.US)
            val shown = listOf(0f, 12.3f, 12.3456f, -0.012358f, 1234.5f, 1234567f).map(::figure)
            assertEquals(listOf("0", "12.3", "12.35", "-0.01236", "1,234", "1,234,567"), shown)
            Locale.setDefault(Locale.GERMANY)
            assertEquals("12,3", figure(12.3f))
        } finally {
            Locale.setDefault(before)
        }
    }
}
